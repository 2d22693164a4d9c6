import { cidOf, createVerifier, digestOf, nobleSecp256k1, type AttemptId } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { leaseSlots } from './stage/lease-slots.ts'
import { setStage } from './stage/stage-agent.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('one task from hand to hand', () => {
  test('an order is reserved, leased, run, claimed and settled', async () => {
    const { world, market, workload, agent } = await setStage()
    expect(market.offers()[0]?.record).toMatchObject({ slots: 4, provider: agent().provider })

    const order = market.order()
    const reservation = await market.reserve(order)
    expect(reservation.record).toMatchObject({
      order: digestOf(order.record),
      slots: 1,
      price: { nanoUsd: 1000n, per: 'task' },
    })
    const lease = market.lease(reservation)
    await market.open(lease)
    const attempt = market.start(lease, 0)
    await world.settle()
    expect(agent().status().attempts).toEqual([{ id: attempt, phase: 'running' }])

    await world.pass(250)
    workload.runs.get(attempt)?.finish({ outputs: [{ name: 'y', bytes: bytes('out') }], cpuMs: 12.4 })
    await world.pass(5)
    const [claim] = market.claims()
    expect(claim?.record).toMatchObject({
      attempt,
      lease: lease.record.id,
      outputs: [{ name: 'y', cid: cidOf(bytes('out')) }],
      meter: { slotMs: 250, cpuMs: 12 },
    })
    const message = market.messages.find(({ type }) => type === 'claims')
    expect(message).toMatchObject({ blobs: [bytes('out')] })
    if (claim === undefined) throw new Error('no claim')
    const domain = { chainId: market.chainId, market: market.address }
    expect(createVerifier(nobleSecp256k1).signerOf(domain, claim)).toBe(agent().provider)

    market.send({ type: 'settled', attempts: [attempt] })
    expect(agent().status().attempts).toEqual([])
    await market.close(lease)
    expect(agent().status().free).toEqual(agent().status().total)
    await world.settle()
  })

  test('claims that end together share one signature', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage, 4)
    const attempts = [0, 1, 2, 3].map((index) => stage.market.start(lease, index))
    await stage.world.settle()
    for (const attempt of attempts) stage.workload.runs.get(attempt)?.finish()
    await stage.world.pass(5)
    const roots = new Set(
      stage.market.claims().map(({ signature }) => (typeof signature === 'string' ? '' : signature.root)),
    )
    expect(stage.market.claims()).toHaveLength(4)
    expect(roots.size).toBe(1)
  })

  test('no more attempts run at once than the lease has slots, oldest first', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage, 2)
    const attempts = [0, 1, 2, 3].map((index) => stage.market.start(lease, index))
    await stage.world.settle()
    expect([...stage.workload.runs.keys()]).toEqual(attempts.slice(0, 2))
    stage.workload.runs.get(attempts[1] as AttemptId)?.finish()
    await stage.world.pass(5)
    expect([...stage.workload.runs.keys()]).toEqual([attempts[0], attempts[2]])
  })
})
