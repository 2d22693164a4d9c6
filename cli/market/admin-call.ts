import type { Muster } from '@muster/sdk'
import type { Session } from '../command/session.ts'

/** A client with the admin key of the market in use: the one beside the market's URL, or that of the context file. */
export const connectAdmin = async (session: Session): Promise<Muster> => {
  const { adminKey, apiKey } = await session.context()
  return session.connect({ apiKey: adminKey ?? apiKey })
}

/** Why, for the admin log. */
export interface ReasonOption {
  readonly reason?: string
}

export const reasonHeader = ({ reason }: ReasonOption): { readonly headers?: Record<string, string> } =>
  reason === undefined ? {} : { headers: { 'muster-reason': encodeURIComponent(reason) } }
