import {
  MusterError,
  stakeAccount,
  earningsAccount,
  tenantAccount,
  tellNoFit,
  toProblem,
  type EffectivePrice,
  type RouteName,
  type TenantId,
  type routes,
} from '@muster/protocol'
import { denialNotice } from '../admin/denials.ts'
import { createKey, createTenant } from '../account/create-tenant.ts'
import { blobMissing, blobTooLarge } from '../blob/blob-errors.ts'
import { createBlobRoom } from '../blob/blob-room.ts'
import type { ByteRange } from '../blob/blob-store.ts'
import { leaseTermMs } from '../lease/open-lease.ts'
import { unbondedOf } from '../ledger/offered-cover.ts'
import type { Market } from '../market.ts'
import { listCheapest } from '../supply/list-cheapest.ts'
import { scoreOffers } from '../auction/score-offers.ts'
import { matchDemand } from '../supply/match-demand.ts'
import type { Handler } from './handler.ts'

type Handlers<Names extends RouteName> = { readonly [Name in Names]: Handler<(typeof routes)[Name]> }

/** `bytes=a-b`, `bytes=a-` or `bytes=-n` within `total`; `undefined` for anything else, which is then ignored as HTTP has it. */
const parseRange = (header: string | undefined, total: number): ByteRange | undefined => {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (match === null || total === 0) return undefined
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return undefined
  const start = first === '' ? Math.max(0, total - Number(last)) : Number(first)
  const end = first === '' || last === '' ? total - 1 : Math.min(total - 1, Number(last))
  return start <= end ? { start, end } : undefined
}

const noMoney = (): MusterError =>
  new MusterError({
    code: 'insufficient_funds',
    message: 'Uploads need a balance, or a job that is not closed: deposit first.',
    fault: 'tenant',
  })

/** Handlers of blobs. */
export const blobHandlers = (market: Market): Handlers<'findBlobs' | 'putBlob' | 'getBlob'> => {
  const { store, blobs, world, funds } = market.modules
  const { maxBlobBytes, maxLooseBytes, tenantLoosePercent } = market.options
  const maxTenantBytes = Math.floor((maxLooseBytes * tenantLoosePercent) / 100)
  const room = createBlobRoom({ maxBytes: maxLooseBytes, maxTenantBytes }, { world, store })

  const hasMoney = async (tenant: TenantId): Promise<boolean> => {
    if ((await store.ledger.balance(tenantAccount(tenant))) > 0n) return true
    if ((await store.jobs.list({ tenant, phase: 'active', limit: 1 })).length > 0) return true
    const { standing } = await funds.look(tenant)
    return standing === 'grace'
  }
  return {
    findBlobs: async ({ body: { cids } }) => {
      const known = await store.blobs.known(cids)
      return { missing: cids.filter((cid) => !known.has(cid)) }
    },
    putBlob: async ({ params: { cid }, body, header, tenant }) => {
      const declared = Number(header('content-length') ?? 0)
      if (declared > maxBlobBytes) throw blobTooLarge(cid, maxBlobBytes)
      market.admin.requireTenant(tenant.id)
      if (!(await hasMoney(tenant.id))) throw noMoney()
      const isKnown = (await store.blobs.get(cid)) !== undefined
      const admission = await room.admit({ tenant: tenant.id, body, bytes: declared, isKnown })
      let isNoted = false
      try {
        const { bytes } = await blobs.putStream(cid, admission.body, maxBlobBytes)
        await store.blobs.put({ cid, bytes, createdAt: world.now() }, tenant.id)
        isNoted = true
        return { cid, bytes }
      } finally {
        admission.leave(isNoted)
      }
    },
    getBlob: async ({ params: { cid }, header }) => {
      const total = await blobs.size(cid)
      if (total === undefined) throw blobMissing(cid)
      const range = parseRange(header('range'), total)
      const stream = await blobs.stream(cid, range)
      if (range === undefined) return { stream, bytes: total }
      return { stream, bytes: range.end - range.start + 1, range: { ...range, total } }
    },
  }
}

/** Handlers of tenants and their keys. */
export const accountHandlers = (market: Market): Handlers<'createKey' | 'revokeKey' | 'createTenant'> => {
  const { store, world, names } = market.modules
  return {
    createKey: ({ body: { name }, tenant }) => createKey({ tenant: tenant.id, name }, { world, store, names }),
    revokeKey: async ({ params: { key }, tenant }) => {
      if (await store.accounts.revokeKey({ tenant: tenant.id, id: key, at: world.now() })) return {}
      throw new MusterError({
        code: 'not_found',
        message: 'There is no such key, or it was revoked before.',
        facts: { id: key },
      })
    },
    createTenant: async ({ body }) => {
      const { tenant, apiKey } = await createTenant(body, { world, store, names })
      return { tenant, apiKey, address: body.address ?? null }
    },
  }
}

const finite = (figure: number): number | null => (Number.isFinite(figure) ? figure : null)

const finiteFigures = ({ base, ...rest }: EffectivePrice) => ({
  base,
  nanoUsd: finite(rest.nanoUsd),
  overhead: finite(rest.overhead),
  starts: finite(rest.starts),
  transfer: finite(rest.transfer),
  checkpoint: finite(rest.checkpoint),
})

/** Handlers of what anyone may ask: the market itself, its offers, its providers. */
export const publicHandlers = (
  market: Market,
): Handlers<'market' | 'listOffers' | 'match' | 'provider' | 'challenge'> => {
  const { store, blobs, supply, findOffers, findNear, listStanding, offeredCover, records, world } = market.modules
  return {
    market: () => ({
      address: market.domain.market,
      chainId: market.domain.chainId,
      version: market.version,
      now: world.now(),
      maxBlobBytes: market.options.maxBlobBytes,
      linkedAgents: supply.linkedCount(),
      feeBasisPoints: market.options.feeBasisPoints,
    }),
    listOffers: async ({ query: { limit } }) => {
      const offers = listCheapest(await listStanding(false), limit)
      return { offers: offers.map((offer) => ({ ...offer, free: supply.freeSlots(offer) })) }
    },
    match: async ({ body }) => {
      const cover = await offeredCover()
      const own = { order: { record: body }, spec: { limits: body } }
      const demand = { ...body, defaultTermMs: leaseTermMs(own, market.options.leaseTermMs) }
      const { slots, offers } = await matchDemand(demand, findOffers, supply, cover)
      if (body.award === 'effective' && offers.length > 0) {
        const wanted = { program: body.program ?? null, runtime: body.runtime, slots: body.slots }
        const scored = await scoreOffers(offers, wanted, { records, blobs })
        const effective = scored.map((each) => finiteFigures(each.effective))
        return { slots, offers: scored.map(({ offer }) => offer), effective, problem: null }
      }
      if (offers.length > 0) return { slots, offers, effective: [], problem: null }
      const near = await findNear(demand, { needsSlots: true, unbonded: unbondedOf(cover), declined: new Set() })
      return { slots, offers, effective: [], problem: toProblem(tellNoFit(demand, near)) }
    },
    provider: async ({ params: { provider } }) => {
      const row = await store.providers.get(provider)
      if (row === undefined)
        throw new MusterError({ code: 'not_found', message: 'No such provider was ever linked.', facts: { provider } })
      return {
        provider,
        linked: supply.peer(provider) !== undefined,
        lastSeenAt: Math.max(row.lastSeenAt, market.heardAt(provider) ?? 0),
        stake: await store.ledger.balance(stakeAccount(provider)),
        earnings: await store.ledger.balance(earningsAccount(provider)),
        denied: denialNotice(market.admin.denialOf(provider)),
      }
    },
    challenge: ({ body: { provider } }) => {
      market.admin.requireProvider(provider)
      return market.issueChallenge(provider)
    },
  }
}
