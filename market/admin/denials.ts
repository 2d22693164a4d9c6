import {
  MusterError,
  toProblem,
  type Address,
  type Cid,
  type DenialNotice,
  type DenialKind,
  type Problem,
  type TenantId,
  type World,
} from '@muster/protocol'
import type { Denial } from '../store/admin-store.ts'
import type { Store } from '../store/store.ts'

/** Whom this market denies, as this node knows it. */
export interface Denials {
  /** Reads them anew; then `onChange` is called. */
  load(): Promise<void>
  /** One that holds now. */
  find(kind: DenialKind, subject: string): Denial | undefined
  /** Those that hold now, newest first. */
  all(): readonly Denial[]
  /** What a job of this tenant with this program is refused with; `undefined` where neither is denied. */
  ofJob(tenant: TenantId, program: Cid | null): Problem | undefined
  /** What denies a provider, itself or by the region of its offers. */
  ofProvider(provider: Address, regions: Iterable<string>): Denial | undefined
  /** Called when there is one more or one fewer. */
  onChange(listener: () => void): void
}

const nouns: Readonly<Record<DenialKind, string>> = {
  tenant: 'This account',
  program: 'This program',
  region: 'This region',
  provider: 'This provider',
}

/** What the denied one is told. */
export const denialError = ({ kind, subject, reason, expiresAt }: Denial): MusterError =>
  new MusterError({
    code: 'forbidden',
    message: `${nouns[kind]} is denied on this market: ${reason}`,
    facts: { [kind]: subject, reason, until: expiresAt ?? 'further notice' },
    fault: kind === 'provider' || kind === 'region' ? 'provider' : 'tenant',
  })

/** What the denied one reads of it. */
export const denialNotice = (denial: Denial | undefined): DenialNotice | null =>
  denial === undefined ? null : { reason: denial.reason, expiresAt: denial.expiresAt, stopped: denial.stopped }

const maxTimerMs = 2 ** 31 - 1

export const createDenials = ({ world, store }: { readonly world: World; readonly store: Store }): Denials => {
  let denials = new Map<string, Denial>()
  const listeners: (() => void)[] = []
  let timers = 0

  const holds = ({ expiresAt }: Denial): boolean => expiresAt === null || expiresAt > world.now()
  const changed = (): void => {
    for (const listener of listeners) listener()
  }
  const find: Denials['find'] = (kind, subject) => {
    const found = denials.get(`${kind} ${subject}`)
    return found !== undefined && holds(found) ? found : undefined
  }

  /** What expires is looked at again then. */
  const watchExpiry = (): void => {
    const ends = [...denials.values()].flatMap(({ expiresAt }) => (expiresAt === null ? [] : [expiresAt]))
    const next = Math.min(...ends.filter((end) => end > world.now()))
    if (next === Infinity) return
    const mine = ++timers
    world.after(Math.min(maxTimerMs, next - world.now()), () => {
      if (mine !== timers) return
      watchExpiry()
      changed()
    })
  }

  return {
    load: async () => {
      denials = new Map((await store.admin.denials()).map((denial) => [`${denial.kind} ${denial.subject}`, denial]))
      watchExpiry()
      changed()
    },
    find,
    all: () => [...denials.values()].filter(holds),
    ofJob: (tenant, program) => {
      if (denials.size === 0) return undefined
      const found = find('tenant', tenant) ?? (program === null ? undefined : find('program', program))
      return found === undefined ? undefined : toProblem(denialError(found))
    },
    ofProvider: (provider, regions) => {
      if (denials.size === 0) return undefined
      const own = find('provider', provider)
      if (own !== undefined) return own
      for (const region of regions) {
        const found = find('region', region)
        if (found !== undefined) return found
      }
      return undefined
    },
    onChange: (listener) => void listeners.push(listener),
  }
}
