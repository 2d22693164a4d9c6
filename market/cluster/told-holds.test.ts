import { silentLog, type ReservationId } from '@muster/protocol'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { address } from '../store/test-records.ts'
import type { NodeRow } from '../store/node-store.ts'
import type { Supply } from '../supply/supply.ts'
import type { HeldReservation, Hop } from './hop/hop.ts'
import { createToldHolds } from './told-holds.ts'

const provider = address('b')
const reservation = 'rsv_01K5KRN0M0ABCDEFGHJKMNPQRS' as ReservationId

test('what is held of an agent is told in order: a call that is slow is not overtaken', async () => {
  const world = createVirtualWorld(1)
  const calls: { readonly held: readonly HeldReservation[]; readonly end: () => void }[] = []
  const hop = {
    call: (_node: NodeRow, _call: string, { held }: { readonly held: readonly HeldReservation[] }) =>
      new Promise<null>((resolve) => void calls.push({ held, end: () => resolve(null) })),
  } as unknown as Hop
  const hold = { name: () => {}, shrink: () => {}, giveBack: () => {} }
  const holds = createToldHolds({
    world,
    supply: { take: () => hold } as unknown as Supply,
    hop,
    nodeOf: () => ({ id: 'node_there', name: 'there' }) as NodeRow,
    log: silentLog,
  })
  const taken = holds.take(provider, 2, reservation)
  await world.advance(10)
  taken.giveBack()
  await world.advance(10)
  expect(calls.map(({ held }) => held)).toEqual([[{ reservation, slots: 2 }]])
  calls[0]?.end()
  await world.advance(10)
  expect(calls.map(({ held }) => held)).toEqual([[{ reservation, slots: 2 }], []])
})
