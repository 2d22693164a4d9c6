import { encodeTensor } from '@muster/graph'
import { createHash } from 'node:crypto'
import {
  cidOf,
  cidOfSha256,
  createVerifier,
  digestOf,
  earningsAccount,
  loadSecp256k1,
  maxClockSkewMs,
  MusterError,
  signTogether,
  tenantAccount,
  type Claim,
  type SignedClaim,
  type Start,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { noopSpec, rehearse, type RehearsalOptions } from '../rehearsal/rehearse.ts'
import { otherAttempt, type Script } from '../rehearsal/script.ts'
import { tensorOf, uploadProgram } from '../rehearsal/upload-program.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const large = tensorOf(new Uint8Array(100_000).fill(7))

/** A job of one task, whose program has these outputs, on a cheap agent with this script, and a dearer honest one. */
const setUp = async (script: Script, options: RehearsalOptions = {}, names: readonly string[] = []) => {
  const stage = await rehearse(options)
  const bad = await stage.agent({ key: 1, slots: 1, nanoUsd: 100n, script })
  const honest = () => ({ outputs: Object.fromEntries(names.map((name) => [name, large])) })
  const good = await stage.agent({ key: 2, slots: 1, nanoUsd: 900n, script: { run: honest } })
  const tenant = await stage.tenant(100_000n)
  const program = names.length === 0 ? {} : await uploadProgram(tenant, names)
  const { id } = await tenant.submit(noopSpec(1, { slots: 1, ...program }))
  return { stage, bad, good, tenant, id }
}

type Set = Awaited<ReturnType<typeof setUp>>

const requirePaid = async ({ stage, bad, good, tenant, id }: Set, toBad: bigint, toGood: bigint) => {
  expect((await stage.closed(tenant, id)).outcome).toBe('succeeded')
  expect(await stage.balance(earningsAccount(bad.address))).toBe(toBad)
  expect(await stage.balance(earningsAccount(good.address))).toBe(toGood)
  expect(await stage.balance(tenantAccount(tenant.id))).toBe(100_000n - toBad - toGood)
  await stage.audit(id)
}

const withOutput = (claim: Claim): Claim => ({ ...claim, outputs: [{ name: 'y', cid: cidOf(large) }] })

const firstProblem = async ({ tenant, id }: Set) =>
  (await tenant.events(id)).find(({ type }) => type === 'failed')?.tasks?.[0]?.problem

describe('a claim is refused, not paid, and the task done elsewhere, when', () => {
  const cases: readonly (readonly [string, (claim: Claim) => Claim, string])[] = [
    [
      'it names another lease',
      (claim) => ({ ...claim, lease: 'lse_01K5KRN0M0ABCDEFGHJKMNPQRY' as never }),
      'record_invalid',
    ],
    ['it names another program', (claim) => ({ ...claim, program: cidOf(bytesOf('other')) }), 'record_invalid'],
    ['it ran under another exec spec', (claim) => ({ ...claim, execSpec: digestOf('other') }), 'record_invalid'],
    ['it names other inputs', (claim) => ({ ...claim, inputs: `0x${'4'.repeat(64)}` as never }), 'record_invalid'],
    [
      'it is meant for another market',
      (claim) => ({ ...claim, market: `0x${'5'.repeat(40)}` as never }),
      'record_invalid',
    ],
    ['it is in another’s name', (claim) => ({ ...claim, provider: `0x${'6'.repeat(40)}` as never }), 'record_invalid'],
  ]
  test.each(cases)('%s', async (_, change, code) => {
    const set = await setUp({ claim: (claim, sign) => sign(change(claim)) })
    await requirePaid(set, 0n, 900n)
    expect(await firstProblem(set)).toMatchObject({ code, fault: 'provider' })
  })

  const tooLate = (claim: Claim): Claim => ({ ...claim, endedAt: claim.endedAt + 3 * maxClockSkewMs })

  test.each<[string, (claim: Claim) => Claim, string]>([
    ['it names an output that nobody asked for', withOutput, 'outputs'],
    ['it ended before it began', (claim) => ({ ...claim, startedAt: claim.endedAt + 1 }), 'endedAt'],
    ['it has yet to end', tooLate, 'endedAt'],
  ])('%s', async (_, change, field) => {
    const set = await setUp({ claim: (claim, sign) => sign(change(claim)) })
    await requirePaid(set, 0n, 900n)
    expect(await firstProblem(set)).toMatchObject({ code: 'record_invalid', fault: 'provider', facts: { field } })
  })

  const twice = (claim: Claim): Claim => ({ ...claim, outputs: [...claim.outputs, ...claim.outputs] })
  const float = encodeTensor({ dtype: 'float32', dims: [2], data: Float32Array.of(1, 2) })
  const square = (side: number) =>
    encodeTensor({ dtype: 'uint8', dims: [side, side], data: new Uint8Array(side * side) })

  test.each<[string, Script]>([
    ['it lacks an output of the program', {}],
    ['an output has another name', { run: () => ({ outputs: { z: large } }) }],
    ['there is one output more', { run: () => ({ outputs: { y: large, z: large } }) }],
    ['an output is there twice', { run: () => ({ outputs: { y: large } }), claim: (c, sign) => sign(twice(c)) }],
    ['an output is no tensor', { run: () => ({ outputs: { y: bytesOf('rubbish') } }) }],
    ['a large output is no tensor', { run: () => ({ outputs: { y: new Uint8Array(100_000) } }) }],
    ['an output is of another element type', { run: () => ({ outputs: { y: float } }) }],
    ['an output is of another rank', { run: () => ({ outputs: { y: square(3) } }) }],
    ['a large output is of another rank', { run: () => ({ outputs: { y: square(300) } }) }],
  ])('%s', async (_, script) => {
    const set = await setUp(script, {}, ['y'])
    await requirePaid(set, 0n, 900n)
    expect(await firstProblem(set)).toMatchObject({
      code: 'record_invalid',
      fault: 'provider',
      facts: { field: 'outputs' },
    })
  })

  test('another key signed it', async () => {
    const set = await setUp({})
    set.bad.script = { claim: (claim, sign) => sign(claim, set.good.signer) }
    await requirePaid(set, 0n, 900n)
    expect(await firstProblem(set)).toMatchObject({ code: 'signature_invalid' })
  })

  test('it was changed after it was signed', async () => {
    const set = await setUp({
      claim: (claim, sign) => ({ ...sign(claim), record: { ...claim, meter: { ...claim.meter, slotMs: 99 } } }),
    })
    await requirePaid(set, 0n, 900n)
  })

  test('an output is not what it says', async () => {
    const set = await setUp({ run: () => ({ outputs: { y: large } }), blob: () => bytesOf('something else') }, {}, [
      'y',
    ])
    await requirePaid(set, 0n, 900n)
    expect(await firstProblem(set)).toMatchObject({ code: 'blob_corrupt' })
    expect(set.good.starts).toHaveLength(1)
  })

  test('an output is not to be had', async () => {
    const claim: Script['claim'] = (honest, sign) =>
      sign({ ...honest, outputs: [{ name: 'y', cid: cidOf(bytesOf('never made')) }] })
    const set = await setUp({ run: () => ({ outputs: { y: large } }), claim }, {}, ['y'])
    await requirePaid(set, 0n, 900n)
    expect(await firstProblem(set)).toMatchObject({ code: 'blob_missing' })
  })

  test('an output is larger than the market takes', async () => {
    const set = await setUp({ run: () => ({ outputs: { y: large } }) }, { market: { maxBlobBytes: 50_000 } }, ['y'])
    set.good.script = { run: () => ({ outputs: { y: tensorOf(bytesOf('small')) } }) }
    await requirePaid(set, 0n, 900n)
    expect(await firstProblem(set)).toMatchObject({ code: 'blob_too_large' })
    expect(await set.stage.blobs.size(cidOf(large))).toBeUndefined()
  })
})

describe('a claim changes nothing when', () => {
  /** The honest claim, and `extra` ones sent along by whoever wants. */
  const withExtra = async (extra: (set: Set, start: Start) => void) => {
    const set = await setUp({})
    set.bad.taskMs = 1_000
    await set.stage.world.advance(500)
    const [start] = set.bad.starts
    if (start === undefined) throw new Error('nothing started')
    extra(set, start)
    await requirePaid(set, 100n, 0n)
    expect((await set.tenant.tasks(set.id))[0]?.attempts).toHaveLength(1)
  }

  test('it bears a later fence', () =>
    withExtra(({ bad }, start) => {
      const claim = { ...bad.claimFor(start), attempt: otherAttempt(start, { fence: 2 }) }
      bad.send({ type: 'claims', claims: [bad.sign(claim)], blobs: [] })
    }))

  test('it is of a task the job does not have', () =>
    withExtra(({ bad }, start) => {
      const claim = { ...bad.claimFor(start), attempt: otherAttempt(start, { index: 77 }) }
      bad.send({ type: 'claims', claims: [bad.sign(claim)], blobs: [] })
    }))

  test('it is of another provider’s attempt, however it is signed', () =>
    withExtra(({ bad, good }, start) => {
      const claim = bad.claimFor(start)
      good.send({ type: 'claims', claims: [good.sign(claim)], blobs: [] })
      good.send({ type: 'claims', claims: [good.sign({ ...claim, provider: good.address })], blobs: [] })
      good.send({ type: 'claims', claims: [bad.sign({ ...claim, meter: { ...claim.meter, slotMs: 1 } })], blobs: [] })
    }))

  test('it is of no job of this market', () =>
    withExtra(({ bad }, start) => {
      const claim = { ...bad.claimFor(start), attempt: 'job_01K5KRN0M0ABCDEFGHJKMNPQRT.0.1' as never }
      bad.send({ type: 'claims', claims: [bad.sign(claim)], blobs: [] })
    }))

  test('blobs come along that nobody asked for, which are not kept', () =>
    withExtra(({ bad, stage }, start) => {
      bad.send({ type: 'claims', claims: [], blobs: [bytesOf('rubbish')] })
      const claim = {
        ...bad.claimFor(start, { y: bytesOf('more rubbish') }),
        attempt: otherAttempt(start, { fence: 9 }),
      }
      bad.send({ type: 'claims', claims: [bad.sign(claim)], blobs: [bytesOf('more rubbish')] })
      void stage.world
        .settle()
        .then(async () => expect(await stage.blobs.size(cidOf(bytesOf('rubbish')))).toBeUndefined())
    }))
})

test('a claim that comes twice at once, or again later, is paid once', async () => {
  const set = await setUp({ run: () => ({ outputs: { y: large } }) }, {}, ['y'])
  const { stage, bad, tenant, id } = set
  let claim: SignedClaim | undefined
  bad.script = {
    ...bad.script,
    claim: (honest, sign) => {
      claim = sign(honest)
      bad.send({ type: 'claims', claims: [claim, claim], blobs: [] })
      bad.send({ type: 'claims', claims: [claim], blobs: [large] })
      return claim
    },
  }
  await requirePaid(set, 100n, 0n)
  if (claim === undefined) throw new Error('no claim')
  bad.send({ type: 'claims', claims: [claim], blobs: [] })
  await stage.world.advance(1_000)
  expect(await stage.balance(earningsAccount(bad.address))).toBe(100n)
  expect(await stage.store().receipts.ofJob(id, { limit: 10 })).toHaveLength(1)
  expect((await tenant.tasks(id))[0]?.outputs).toEqual([{ name: 'y', cid: cidOf(large) }])
})

test('a claim of an attempt that was fenced is refused, its replacement paid', async () => {
  const stage = await rehearse()
  const lost = await stage.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 5_000 })
  const tenant = await stage.tenant(100_000n)
  const { id } = await tenant.submit(noopSpec(1, { slots: 1 }))
  await stage.world.advance(100)
  lost.cut()
  const next = await stage.agent({ key: 2, slots: 1, nanoUsd: 900n, taskMs: 30_000 })
  await stage.world.advance(15_000)
  expect(next.starts).toHaveLength(1)
  lost.link(stage.market())
  await stage.world.advance(1_000)
  expect((await tenant.job(id)).counts).toMatchObject({ running: 1, final: 0 })
  expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '900' })
  expect(await stage.balance(earningsAccount(lost.address))).toBe(0n)
  expect(lost.attempts.size).toBe(0)
  await stage.audit(id)
})

test('one bad claim does not hold up the good ones beside it', async () => {
  const stage = await rehearse()
  const agent = await stage.agent({ key: 1, slots: 3, nanoUsd: 100n, script: { run: () => 'silence' } })
  const tenant = await stage.tenant()
  const { id } = await tenant.submit(noopSpec(3, { slots: 3 }))
  await stage.world.advance(20)
  const claims = agent.starts.map((start, index) =>
    agent.sign(index === 1 ? { ...agent.claimFor(start), program: cidOf(bytesOf('x')) } : agent.claimFor(start)),
  )
  agent.script = {}
  agent.send({ type: 'claims', claims, blobs: [] })
  await stage.world.settle()
  expect((await tenant.job(id)).counts).toMatchObject({ final: 2 })
  expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '300' })
  await stage.audit(id)
})

test('claims of two jobs under one signature are paid to each, with receipts that hold alone', async () => {
  const stage = await rehearse()
  const agent = await stage.agent({ key: 1, slots: 4, nanoUsd: 100n, script: { run: () => 'silence' } })
  const tenant = await stage.tenant()
  const jobs = [await tenant.submit(noopSpec(2, { slots: 2 })), await tenant.submit(noopSpec(2, { slots: 2 }))]
  await stage.world.advance(20)
  expect(agent.starts).toHaveLength(4)
  const claims = agent.starts
    .toSorted((a, b) => Number(a.attempt.split('.')[1]) - Number(b.attempt.split('.')[1]))
    .map((start, index) => ({ ...agent.claimFor(start), ...(index === 3 ? { program: cidOf(bytesOf('x')) } : {}) }))
  const signature = signTogether(agent.signer, stage.market().domain, claims)
  agent.script = {}
  agent.send({ type: 'claims', batches: [{ claims, signature }], blobs: [] })
  await stage.world.settle()
  const verifier = createVerifier(await loadSecp256k1())
  for (const { id } of jobs) {
    const receipts = await stage.store().receipts.ofJob(id, { limit: 10 })
    expect(receipts.length).toBe((await tenant.job(id)).counts.final)
    for (const { receipt, claim } of receipts) {
      verifier.requireSigner(stage.market().domain, receipt, stage.market().domain.market)
      verifier.requireSigner(stage.market().domain, claim, agent.address)
      expect(receipt.record.claim).toBe(digestOf(claim.record))
    }
  }
  for (const { id } of jobs) {
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '200' })
    await stage.audit(id)
  }
})

test('outputs are kept, small ones and large ones, and read by the tenant', async () => {
  const small = tensorOf(bytesOf('small'))
  const { stage, tenant, id } = await setUp({ run: () => ({ outputs: { a: small, b: large } }) }, {}, ['a', 'b'])
  await stage.closed(tenant, id)
  const [task] = await tenant.tasks(id)
  expect(task?.outputs.map(({ name }) => name)).toEqual(['a', 'b'])
  for (const [at, bytes] of [small, large].entries()) {
    const response = await tenant.request('GET', `/v1/blobs/${task?.outputs[at]?.cid ?? ''}`)
    const body = new Uint8Array(await response.arrayBuffer())
    expect(cidOfSha256(createHash('sha256').update(body).digest())).toBe(cidOf(bytes))
  }
})

describe('when the market cannot keep an output because its disk is full', () => {
  test.each([
    ['a large one', large],
    ['a small one', tensorOf(bytesOf('small'))],
  ])('the claim of %s waits until it can, and nothing is lost', async (_, output) => {
    let isFull = true
    const full = () => Promise.reject(new MusterError({ code: 'disk_full', message: 'The disk is full.' }))
    const set = await setUp(
      { run: () => ({ outputs: { y: output } }) },
      {
        wrapBlobs: (blobs) => ({
          ...blobs,
          putBytes: (bytes) => (isFull ? full() : blobs.putBytes(bytes)),
          putStream: (cid, bytes, most) =>
            isFull && cid === cidOf(output) ? full() : blobs.putStream(cid, bytes, most),
        }),
      },
      ['y'],
    )
    await set.stage.world.advance(1_000)
    expect(set.bad.settled).toHaveLength(0)
    set.bad.repeat()
    await set.stage.world.advance(1_000)
    expect((await set.tenant.job(set.id)).counts.running).toBe(1)
    isFull = false
    set.bad.repeat()
    await requirePaid(set, 100n, 0n)
  })

  test('the same with the store', async () => {
    const set = await setUp({ run: () => ({ outputs: { y: large } }) }, {}, ['y'])
    set.stage.fault = (point) => {
      if (point === 'before-commit') throw new MusterError({ code: 'disk_full', message: 'The disk is full.' })
    }
    await set.stage.world.advance(20_000)
    set.bad.repeat()
    await set.stage.world.advance(1_000)
    expect(set.bad.settled).toHaveLength(0)
    set.stage.fault = undefined
    await set.stage.world.advance(6_000)
    set.bad.repeat()
    await requirePaid(set, 100n, 0n)
  })
})
