import { createMuster } from '@muster/sdk'
import type { RouteBody, RouteResponse, routes } from '@muster/protocol'

type AdminRoute = 'createTenant' | 'deposit'

/** Calls the operator's API of a market. */
export const callAdmin = (url: string, adminKey: string) => {
  const muster = createMuster({ url, apiKey: adminKey })
  return <Name extends AdminRoute>(
    name: Name,
    body: RouteBody<(typeof routes)[Name]>,
  ): Promise<RouteResponse<(typeof routes)[Name]>> =>
    muster.call(name, { body } as Parameters<typeof muster.call<Name>>[1])
}
