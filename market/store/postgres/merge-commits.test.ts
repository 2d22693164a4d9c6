import { escrowAccount, outsideAccount, tenantAccount } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { encodeCommit } from '../encode-commit.ts'
import { at, move, someCid, someEvent, someId, someJobRow } from '../test-records.ts'
import { mergeCommits, startsAnew } from './merge-commits.ts'

const appending = (stream: ReturnType<typeof someId<'job'>>, expectedVersion: number, count = 1) =>
  encodeCommit({ appends: [{ stream, expectedVersion, events: Array.from({ length: count }, () => someEvent()), at }] })

describe('merging commits', () => {
  test('only the first append to a stream is checked against the database', () => {
    const [a, b] = [someId('job'), someId('job')]
    const { journal } = mergeCommits([appending(a, 4, 2), appending(b, 0), appending(a, 6)])
    expect(journal.map(({ stream, version, follows }) => [stream, version, follows])).toEqual([
      [a, 4, false],
      [b, 0, false],
      [a, 6, true],
    ])
  })

  test('the least that a commit leaves counts, not only the end', () => {
    const account = tenantAccount(someId('tenant'))
    const escrow = escrowAccount(someId('job'))
    const { accounts } = mergeCommits([
      encodeCommit({ entries: [move(outsideAccount, account, 5n)] }),
      encodeCommit({ entries: [move(account, escrow, 9n)] }),
      encodeCommit({ entries: [move(outsideAccount, account, 8n)] }),
    ])
    expect(accounts).toEqual(
      [
        { account, net: 4n, low: -4n },
        { account: escrow, net: 9n, low: 9n },
        { account: outsideAccount, net: -13n, low: -13n },
      ].toSorted((one, two) => (one.account < two.account ? -1 : 1)),
    )
  })

  test('a row that is written twice keeps the last, a blob the youngest', () => {
    const [id, tenant, cid] = [someId('job'), someId('tenant'), someCid('blob')]
    const merged = mergeCommits([
      encodeCommit({ jobs: [someJobRow(id, tenant)], blobs: [{ cid, bytes: 1, createdAt: 9 }] }),
      encodeCommit({ jobs: [someJobRow(id, tenant, { charged: 7n })], blobs: [{ cid, bytes: 1, createdAt: 5 }] }),
    ])
    expect(merged.jobs.map(({ charged }) => charged)).toEqual([7n])
    expect(merged.blobs).toEqual([{ cid, bytes: 1, createdAt: 9 }])
  })

  test('an append that does not fit behind the group begins the next', () => {
    const job = someId('job')
    const ends = new Map([[job, 3]])
    expect(startsAnew(appending(job, 3), ends)).toBe(false)
    expect(startsAnew(appending(job, 2), ends)).toBe(true)
    expect(startsAnew(appending(job, 4), ends)).toBe(true)
    expect(startsAnew(appending(someId('job'), 4), ends)).toBe(false)
  })
})
