import {
  MusterError,
  escrowAccount,
  explainNoFit,
  rankOffers,
  stakeAccount,
  earningsAccount,
  parseId,
  tenantAccount,
  toProblem,
  type NanoUsd,
  type RouteName,
  type TenantId,
  type routes,
} from '@muster/protocol'
import { createKey, createTenant } from '../account/create-tenant.ts'
import { blobMissing, blobTooLarge } from '../blob/blob-errors.ts'
import { createBlobRoom } from '../blob/blob-room.ts'
import type { ByteRange } from '../blob/blob-store.ts'
import { createBookDeposit } from '../ledger/book-deposit.ts'
import { unbondedOf } from '../ledger/offered-cover.ts'
import type { Market } from '../market.ts'
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
  const { store, blobs, world } = market.modules
  const { maxBlobBytes, maxLooseBytes, tenantLoosePercent } = market.options
  const maxTenantBytes = Math.floor((maxLooseBytes * tenantLoosePercent) / 100)
  const room = createBlobRoom({ maxBytes: maxLooseBytes, maxTenantBytes }, { world, store })

  const hasMoney = async (tenant: TenantId): Promise<boolean> => {
    if ((await store.ledger.balance(tenantAccount(tenant))) > 0n) return true
    return (await store.jobs.list({ tenant, phase: 'active', limit: 1 })).length > 0
  }
  return {
    findBlobs: async ({ body: { cids } }) => {
      const known = await store.blobs.known(cids)
      return { missing: cids.filter((cid) => !known.has(cid)) }
    },
    putBlob: async ({ params: { cid }, body, header, tenant }) => {
      const declared = Number(header('content-length') ?? 0)
      if (declared > maxBlobBytes) throw blobTooLarge(cid, maxBlobBytes)
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

/** Handlers of accounts, keys and the operator's bookings. */
export const accountHandlers = (
  market: Market,
): Handlers<'account' | 'createKey' | 'revokeKey' | 'createTenant' | 'deposit'> => {
  const { store, world } = market.modules
  const bookDeposit = createBookDeposit({ world, store })

  const escrowOf = async (tenant: TenantId): Promise<NanoUsd> => {
    const active = await store.jobs.list({ tenant, phase: 'active', limit: 1_000 })
    const balances = await store.ledger.balances(active.map(({ id }) => escrowAccount(id)))
    return [...balances.values()].reduce((sum, balance) => sum + balance, 0n)
  }

  return {
    account: async ({ tenant }) => ({
      tenant: tenant.id,
      address: tenant.address,
      custody: tenant.address === null ? 'market' : 'tenant',
      balance: await store.ledger.balance(tenantAccount(tenant.id)),
      escrow: await escrowOf(tenant.id),
    }),
    createKey: ({ body: { name }, tenant }) => createKey({ tenant: tenant.id, name }, { world, store }),
    revokeKey: async ({ params: { key }, tenant }) => {
      if (await store.accounts.revokeKey({ tenant: tenant.id, id: key, at: world.now() })) return {}
      throw new MusterError({
        code: 'not_found',
        message: 'There is no such key, or it was revoked before.',
        facts: { id: key },
      })
    },
    createTenant: async ({ body }) => {
      const { tenant, apiKey } = await createTenant(body, { world, store })
      return { tenant, apiKey, address: body.address ?? null }
    },
    deposit: async ({ body: { to, amount }, header }) => {
      const key = header('idempotency-key')
      const idempotencyKey = key === undefined ? undefined : parseId('entry', key)
      if (to.account === 'tenant' && (await store.accounts.get(to.tenant)) === undefined) {
        throw new MusterError({ code: 'not_found', message: 'There is no such tenant.', facts: { tenant: to.tenant } })
      }
      const booked =
        to.account === 'tenant'
          ? ({ kind: 'deposit', to: tenantAccount(to.tenant) } as const)
          : ({ kind: 'stake', to: stakeAccount(to.provider) } as const)
      return { balance: await bookDeposit({ ...booked, amount, idempotencyKey }) }
    },
  }
}

/** Handlers of what anyone may ask: the market itself, its offers, its providers. */
export const publicHandlers = (
  market: Market,
): Handlers<'market' | 'listOffers' | 'match' | 'provider' | 'challenge'> => {
  const { store, supply, offeredCover, world } = market.modules
  return {
    market: () => ({
      address: market.domain.market,
      chainId: market.domain.chainId,
      version: market.version,
      now: world.now(),
      maxBlobBytes: market.options.maxBlobBytes,
      linkedAgents: supply.linkedCount(),
    }),
    listOffers: ({ query: { limit } }) => {
      const offers = [...supply.all()].toSorted((a, b) => Number(a.record.price.nanoUsd - b.record.price.nanoUsd))
      return { offers: offers.slice(0, limit).map((offer) => ({ ...offer, free: supply.freeSlots(offer) })) }
    },
    match: async ({ body }) => {
      const cover = await offeredCover()
      const now = world.now()
      const unbonded = unbondedOf(cover)
      const offers = rankOffers(body, supply.free(), now).filter(({ record }) => !unbonded.has(record.provider))
      const covered = new Map(cover)
      let slots = 0
      for (const offer of offers) {
        const { provider } = offer.record
        const left = covered.get(provider) ?? Infinity
        const free = Math.min(supply.freeSlots(offer), left)
        covered.set(provider, left - free)
        slots += free
      }
      const problem = offers.length === 0 ? toProblem(explainNoFit(body, supply.believed(), now, unbonded)) : null
      return { slots, offers: offers.slice(0, 200), problem }
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
      }
    },
    challenge: ({ body: { provider } }) => market.issueChallenge(provider),
  }
}
