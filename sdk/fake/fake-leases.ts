import {
  digestOf,
  kindOfLease,
  MusterError,
  signRecord,
  systemWorld,
  type Job,
  type JobLeases,
  type LeaseState,
  type LeaseView,
  type Resize,
  type SignedResize,
} from '@muster/protocol'
import type { FakeNetwork } from './fake-network.ts'

const leaseView = (state: LeaseState): LeaseView => ({
  id: state.lease.record.id,
  provider: state.provider,
  kind: kindOfLease(state.lease.record),
  phase: state.phase,
  slots: state.slots,
  until: state.until,
  notice: state.notice,
  isBroken: state.isBroken,
  closed: state.closed,
  lease: state.lease,
  amendments: [...state.amendments],
})

export const fakeLeases = ({ order, slots, resizes, leases }: Job): JobLeases => ({
  order: digestOf(order.record),
  slots,
  resizes: resizes.length,
  leases: [...leases.values()].map(leaseView),
})

const domainOf = ({ market }: FakeNetwork) => ({ chainId: 31_337, market })

/** Both sides agree at once. */
export const fakeExtend = (network: FakeNetwork, id: string, lease: string, until: number): LeaseView => {
  const fake = network.require(id)
  const find = (): LeaseState | undefined =>
    [...fake.job.leases.values()].find((each) => each.lease.record.id === lease)
  const state = find()
  if (state === undefined)
    throw new MusterError({ code: 'not_found', message: 'The job has no such lease.', facts: { lease } })
  if (state.closed !== null) throw new MusterError({ code: 'lease_closed', message: 'The lease is over.' })
  if (until > state.until) {
    const { market, provider, job, price } = state.lease.record
    const at = systemWorld.now()
    const number = state.amendments.length + 1
    const terms = { job, lease: digestOf(state.lease.record), number, slots: state.slots, until, price }
    const record = { kind: 'amendment', market, provider, ...terms, issuedAt: at } as const
    const sign = (by: typeof network.signers.market) => signRecord(by, domainOf(network), record).signature
    const signer = network.signers.providers.find(({ address }) => address === provider) ?? network.signers.market
    const amendment = { record, provider: sign(signer), market: sign(network.signers.market) }
    network.append(fake, { type: 'lease-amended', at, lease: state.lease.record.id, amendment })
  }
  return leaseView(find() ?? state)
}

export const fakeResize = (
  network: FakeNetwork,
  id: string,
  { slots, resize }: { readonly slots: number; readonly resize?: SignedResize },
): JobLeases => {
  const fake = network.require(id)
  const at = systemWorld.now()
  const { market, tenant } = network
  const number = fake.job.resizes.length + 1
  const record: Resize = {
    kind: 'resize',
    market,
    tenant,
    order: digestOf(fake.job.order.record),
    number,
    slots,
    issuedAt: at,
  }
  const signed = resize ?? signRecord(network.signers.kept, domainOf(network), record)
  if (slots !== fake.job.slots) network.append(fake, { type: 'resized', at, resize: signed })
  return fakeLeases(fake.job)
}
