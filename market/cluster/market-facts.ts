import { toJson, type Log, type MarketStatus } from '@muster/protocol'
import type { Denials } from '../admin/denials.ts'
import type { Drain, Draining } from '../admin/drain.ts'
import type { LastAudit } from '../admin/last-audit.ts'
import type { Denial } from '../store/admin-store.ts'
import type { MarketFact } from '../store/node-store.ts'
import type { Store } from '../store/store.ts'

export interface MarketFactsModules {
  readonly store: Store
  readonly drain: Drain
  readonly audits: LastAudit
  readonly denials: Denials
  /** Ends what a denial ends here. */
  readonly apply: (denial: Denial) => Promise<unknown>
  readonly log: Log
}

export type SetFact = (name: MarketFact, fact: unknown) => Promise<void>

/** Writes what is of the whole market, `null` for nothing, and tells the other nodes, where there may be any. */
export const createSetFact =
  (modules: { readonly store: Pick<Store, 'nodes'>; readonly isShared: boolean; readonly tell: () => void }): SetFact =>
  async (name, fact) => {
    if (!modules.isShared) return
    await modules.store.nodes.setFact(name, fact === null ? undefined : toJson(fact))
    modules.tell()
  }

/** Takes in what other nodes were told, with the `elapsed` at which it was asked for. */
export type LearnFacts = (facts: ReadonlyMap<MarketFact, string>, askedAt: number) => void

const nameOf = ({ kind, subject, at }: Denial): string => `${kind} ${subject} ${at}`

/** Drain, last audit and denials are of the market. Who is newly denied is so here as well, with all that it means, whatever message of it was lost; what fails is tried again. */
export const createLearnFacts = ({ store, drain, audits, denials, apply, log }: MarketFactsModules): LearnFacts => {
  let last = ''
  /** Those that were new here and whose effect is not through. */
  let due = new Set<string>()
  let isApplying = false

  const read = async (): Promise<void> => {
    const stored = toJson(await store.admin.denials())
    if (stored === last) return
    const before = new Set(denials.all().map(nameOf))
    await denials.load()
    const names = denials.all().map(nameOf)
    due = new Set(names.filter((name) => due.has(name) || !before.has(name)))
    last = stored
  }

  const applyDue = async (): Promise<void> => {
    if (isApplying) return
    isApplying = true
    try {
      for (const denial of denials.all()) {
        if (!due.has(nameOf(denial))) continue
        await apply(denial)
        due.delete(nameOf(denial))
      }
    } finally {
      isApplying = false
    }
  }

  const lookAtDenials = async (): Promise<void> => {
    await read()
    await applyDue()
  }

  return (facts, askedAt) => {
    drain.learn(JSON.parse(facts.get('drain') ?? 'null') as Draining | null, askedAt)
    audits.learn(JSON.parse(facts.get('audit') ?? 'null') as MarketStatus['audit'])
    lookAtDenials().catch((error: unknown) => log.info('could not look whom the market denies', { error }))
  }
}
