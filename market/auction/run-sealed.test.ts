import { signRecord, toHex, type BidRefusal, type Reveal } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { problemOf, type Rehearsal } from '../rehearsal/rehearse.ts'
import type { Script, ScriptedAgent } from '../rehearsal/script.ts'
import { auctionsOf, failedChecks, onlyTranscript, sealedSpec, setUp } from './stage-sealed.ts'

describe('a sealed auction', () => {
  test('is won by the lowest bid at the price of the next, and tells how', async () => {
    const { stage, agents, tenant } = await setUp([300n, 100n, 200n])
    const { id } = await tenant.submit(sealedSpec(2))
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '400' })
    expect(agents.map(({ starts }) => starts.length)).toEqual([0, 2, 0])
    const [summary] = await auctionsOf(tenant, id)
    expect(summary).toMatchObject({ job: id, solicited: 3, bids: 3, winners: 1, slots: 1 })
    const { record } = await onlyTranscript(stage, tenant, id)
    expect(record.award).toMatchObject({
      winners: [{ provider: agents[1]?.address, price: { nanoUsd: 200n } }],
      refused: [],
    })
    expect(record.closing.record.closedAt - record.openedAt).toBeGreaterThanOrEqual(200)
    expect(failedChecks(stage, await onlyTranscript(stage, tenant, id))).toEqual([])
    const told = (await tenant.events(id)).find(({ type }) => type === 'auctioned')
    expect(told).toMatchObject({
      auction: record.auction,
      message: expect.stringContaining('3 of 3 agents bid, 1 won 1 slot'),
    })
    await stage.audit(id)
  })

  test('pays what was bid where it is pay as bid, and gives the margin of a larger bid back', async () => {
    const { stage, agents, tenant } = await setUp([300n, 100n, 200n])
    const { id } = await tenant.submit(sealedSpec(6, { slots: 3, auction: { windowMs: 20, pricing: 'pay-as-bid' } }))
    await stage.closed(tenant, id)
    const { record } = await onlyTranscript(stage, tenant, id)
    expect(record.award.winners).toMatchObject([
      { provider: agents[1]?.address, slots: 2, price: { nanoUsd: 100n } },
      { provider: agents[2]?.address, slots: 1, price: { nanoUsd: 200n } },
    ])
    await stage.world.advance(20_000)
    for (const { reservations, address } of agents) {
      expect(reservations.size).toBe(0)
      expect(stage.market().modules.supply.heldSlots(address)).toBe(0)
    }
    await stage.audit(id)
  })

  test('sees no price before it has bound itself to all bids, and releases what lost at once', async () => {
    const seen: string[] = []
    const watch = (name: string): Script => ({
      solicit: (honest) => {
        seen.push(`${name} seals`)
        return honest()
      },
      reveal: (honest, { closing, path }) => {
        seen.push(`${name} opens`)
        expect(closing.record.count).toBe(2)
        expect(path).toHaveLength(1)
        return honest()
      },
    })
    const { stage, agents, tenant } = await setUp([300n, 100n], [watch('a'), watch('b')])
    const { id } = await tenant.submit(sealedSpec(1))
    await stage.world.advance(199)
    expect(seen.toSorted()).toEqual(['a seals', 'b seals'])
    expect(agents.map(({ reservations }) => reservations.size)).toEqual([1, 1])
    await stage.world.advance(2)
    expect(seen.slice(2).toSorted()).toEqual(['a opens', 'b opens'])
    expect(agents[0]?.reservations.size).toBe(0)
    expect(agents[0]?.heard.filter(({ type }) => type === 'bid-acknowledged')).toHaveLength(1)
    expect(agents[0]?.heard).toContainEqual(expect.objectContaining({ type: 'auction-over', hasWon: false, bids: 2 }))
    await stage.closed(tenant, id)
  })

  test('by `effective` states the figures it used', async () => {
    const { stage, tenant } = await setUp([300n, 100n])
    const { id } = await tenant.submit(sealedSpec(1, { award: 'effective' }))
    await stage.closed(tenant, id)
    const transcript = await onlyTranscript(stage, tenant, id)
    expect(transcript.record.scores?.reliability).toHaveLength(2)
    expect(failedChecks(stage, transcript)).toEqual([])
  })

  test('is asked for in an order; one whose order and spec differ is refused', async () => {
    const { tenant } = await setUp([100n])
    for (const auction of [
      { windowMs: 19, pricing: 'second-price' },
      { windowMs: 60_001, pricing: 'second-price' },
      { windowMs: 200, pricing: 'first-price' },
      { windowMs: 200 },
      200,
    ]) {
      const response = await tenant.request('POST', '/v1/jobs', { spec: sealedSpec(1, { auction }) })
      expect(await problemOf(response)).toMatchObject({ code: 'spec_invalid' })
    }
  })

  test('of nobody finds nothing, and says so without a charge', async () => {
    const { tenant, stage, agents } = await setUp([100n])
    agents[0]?.cut()
    expect(await problemOf(await tenant.request('POST', '/v1/jobs', { spec: sealedSpec(1) }))).toMatchObject({
      code: 'nothing_fits',
    })
    await stage.audit()
  })
})

describe('a bid that', () => {
  const withReveal = (change: (reveal: Reveal, agent: ScriptedAgent, stage: Rehearsal) => Reveal) => {
    let made: { agent: ScriptedAgent; stage: Rehearsal } | undefined
    const script: Script = {
      reveal: (honest) => {
        if (made === undefined) throw new Error('not set up')
        return change(honest(), made.agent, made.stage)
      },
    }
    return { script, set: (agent: ScriptedAgent, stage: Rehearsal) => (made = { agent, stage }) }
  }
  const resigned = (
    { reservation, salt }: Reveal,
    { signer }: ScriptedAgent,
    stage: Rehearsal,
    change: Partial<Reveal['reservation']['record']>,
  ): Reveal => ({
    reservation: signRecord(signer, stage.market().domain, { ...reservation.record, ...change }),
    salt,
  })

  test.each<[string, BidRefusal, (reveal: Reveal, agent: ScriptedAgent, stage: Rehearsal) => Reveal]>([
    [
      'is lowered after the close',
      'does-not-open',
      (reveal, agent, stage) => resigned(reveal, agent, stage, { price: { nanoUsd: 1n, per: 'task' } }),
    ],
    [
      'is for another order',
      'does-not-open',
      (reveal, agent, stage) => resigned(reveal, agent, stage, { order: reveal.salt as never }),
    ],
    [
      'comes with another salt',
      'does-not-open',
      ({ reservation }) => ({ reservation, salt: toHex(new Uint8Array(32)) }),
    ],
    [
      'is below zero',
      'unrevealed',
      (reveal, agent, stage) => resigned(reveal, agent, stage, { price: { nanoUsd: -1n, per: 'task' } }),
    ],
    [
      'is not signed by its provider',
      'unrevealed',
      ({ reservation, salt }) => ({
        reservation: { ...reservation, signature: toHex(new Uint8Array(65).fill(1)) },
        salt,
      }),
    ],
    [
      'is of more slots than were asked for',
      'unrevealed',
      (reveal, agent, stage) => resigned(reveal, agent, stage, { slots: 2 }),
    ],
  ])('%s does not count', async (_, reason, change) => {
    const { script, set } = withReveal(change)
    const { stage, agents, tenant } = await setUp([100n, 300n], [script])
    const [bad, good] = agents
    if (bad === undefined || good === undefined) throw new Error('two agents')
    set(bad, stage)
    const { id } = await tenant.submit(sealedSpec(1))
    await stage.closed(tenant, id)
    const transcript = await onlyTranscript(stage, tenant, id)
    expect(transcript.record.award.refused).toEqual([{ provider: bad.address, reason }])
    expect(transcript.record.award.winners).toMatchObject([{ provider: good.address, price: { nanoUsd: 1_000n } }])
    expect(failedChecks(stage, transcript)).toEqual([])
    await stage.world.advance(20_000)
    expect(stage.market().modules.supply.heldSlots(bad.address)).toBe(0)
  })

  test('is above the ceiling does not count', async () => {
    const { stage, agents, tenant } = await setUp([2_000n, 300n])
    const { id } = await tenant.submit(sealedSpec(1))
    expect(await stage.closed(tenant, id)).toMatchObject({ charged: '1000' })
    const transcript = await onlyTranscript(stage, tenant, id)
    expect(transcript.record.award.refused).toEqual([{ provider: agents[0]?.address, reason: 'above-ceiling' }])
  })

  test('is late is given back, named, and does not count', async () => {
    const clock: { after?: Rehearsal['world']['after'] } = {}
    const pass = (ms: number) => new Promise<void>((resolve) => void clock.after?.(ms, resolve))
    const slow: Script = {
      solicit: async (honest) => {
        await pass(210)
        return honest()
      },
    }
    const hesitant: Script = {
      reveal: async (honest) => {
        await pass(500)
        return honest()
      },
    }
    const { stage, agents, tenant } = await setUp([100n, 300n], [slow, hesitant])
    clock.after = stage.world.after
    const { id } = await tenant.submit(sealedSpec(1))
    await stage.closed(tenant, id)
    const transcript = await onlyTranscript(stage, tenant, id)
    expect(transcript.record.late).toMatchObject([{ provider: agents[0]?.address }])
    expect(transcript.record.award.refused).toEqual([{ provider: agents[0]?.address, reason: 'late' }])
    expect(failedChecks(stage, transcript)).toEqual([])
    expect(agents[0]?.reservations.size).toBe(0)
  })

  test('is never opened counts as a refusal; its auction goes on without it at the deadline', async () => {
    const silent: Script = { reveal: () => new Promise(() => {}) }
    const { stage, agents, tenant } = await setUp([100n, 300n], [silent])
    const { id } = await tenant.submit(sealedSpec(1))
    await stage.closed(tenant, id)
    const transcript = await onlyTranscript(stage, tenant, id)
    expect(transcript.record.award.refused).toEqual([{ provider: agents[0]?.address, reason: 'unrevealed' }])
    expect(transcript.record.awardedAt - transcript.record.closing.record.closedAt).toBeGreaterThanOrEqual(3_000)
    await stage.market().modules.records.flush()
    const address = agents[0]?.address
    if (address === undefined) throw new Error('an agent')
    expect((await stage.market().modules.records.read(address)).record.refusal.refused).toBeGreaterThan(0)
  })

  test('is of an agent that is gone by the close does not keep the others', async () => {
    const { stage, agents, tenant } = await setUp([100n, 300n])
    const { id } = await tenant.submit(sealedSpec(1))
    await stage.world.advance(100)
    agents[0]?.cut()
    await stage.closed(tenant, id)
    const transcript = await onlyTranscript(stage, tenant, id)
    expect(transcript.record.award.refused).toEqual([{ provider: agents[0]?.address, reason: 'unrevealed' }])
    await stage.audit(id)
  })
})
