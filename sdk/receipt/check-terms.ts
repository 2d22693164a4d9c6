import {
  chargeFor,
  coversResources,
  digestOf,
  formatUsd,
  maxClockSkewMs,
  type Price,
  type ReceiptBundle,
} from '@muster/protocol'
import { checkSame, checkThat, type ReceiptCheck } from './receipt-check.ts'

const say = ({ nanoUsd, per }: Price): string => `${formatUsd(nanoUsd)} per ${per}`

const checkPrice = ({ lease, order }: ReceiptBundle): ReceiptCheck[] => {
  const { maxPrice } = order.record
  const { price } = lease.record
  return [
    checkThat(
      'the price is within the order’s',
      price.per === maxPrice.per && price.nanoUsd <= maxPrice.nanoUsd,
      `${say(price)}, at most ${say(maxPrice)}`,
      `${say(price)}, but at most ${say(maxPrice)} was ordered`,
    ),
  ]
}

const checkAmount = ({ receipt, claim, order }: ReceiptBundle): ReceiptCheck[] => {
  const { price, operators, slotMs, amount, reverses } = receipt.record
  const charge = chargeFor(price, { operators, slotMs })
  const due = reverses === null ? charge : -charge
  return [
    checkSame('the time billed is the time claimed', { claim: claim.record.meter.slotMs, receipt: slotMs }),
    checkThat(
      'the amount is the price times what was used',
      amount === due,
      `${formatUsd(amount)}${price.per === 'operator' ? ` = ${say(price)} × ${operators}` : ''}`,
      `expected ${formatUsd(due)}, found ${formatUsd(amount)}`,
    ),
    checkThat(
      'the amount is within the order’s ceiling',
      amount <= order.record.ceiling,
      `at most ${formatUsd(order.record.ceiling)}`,
      `${formatUsd(amount)} is more than ${formatUsd(order.record.ceiling)}`,
    ),
  ]
}

const checkSlots = ({ lease, reservation, order, resize }: ReceiptBundle): ReceiptCheck[] => {
  const ordered = Math.max(order.record.slots, resize?.record.slots ?? 0)
  return [
    checkThat(
      'the slots reserved are as large as was ordered',
      coversResources(reservation.record.resources, order.record.resources),
      'at least as much of everything',
      'they have less of something',
    ),
    checkSame('reserved and leased slots are of one size', {
      reservation: digestOf(reservation.record.resources),
      lease: digestOf(lease.record.resources),
    }),
    checkThat(
      'no more slots were leased than reserved and ordered',
      lease.record.slots <= reservation.record.slots && reservation.record.slots <= ordered,
      `${lease.record.slots} of ${reservation.record.slots} reserved and ${ordered} ordered`,
      `${lease.record.slots} leased, ${reservation.record.slots} reserved, ${ordered} ordered`,
    ),
    checkSame('the runtime is the one ordered', { order: order.record.runtime, lease: lease.record.runtime }),
  ]
}

/** Clocks of market, provider and tenant may differ by as much as the protocol allows each. */
const isInOrder = (...times: readonly number[]): boolean =>
  times.every((time, index) => index === 0 || time + 2 * maxClockSkewMs >= (times[index - 1] ?? 0))

const checkTimes = ({ receipt, claim, lease, reservation, order }: ReceiptBundle): ReceiptCheck => {
  const { startsAt, paidUntil } = lease.record
  const { startedAt, endedAt } = claim.record
  const isRight =
    isInOrder(
      order.record.issuedAt,
      reservation.record.issuedAt,
      startsAt,
      startedAt,
      endedAt,
      receipt.record.issuedAt,
    ) &&
    isInOrder(reservation.record.issuedAt, reservation.record.expiresAt) &&
    isInOrder(startsAt, order.record.expiresAt) &&
    isInOrder(startsAt, paidUntil) &&
    startedAt <= endedAt
  return checkThat(
    'ordered, leased, run and billed in this order',
    isRight,
    `run for ${endedAt - startedAt} ms`,
    'an earlier step bears a later time than clocks may differ',
  )
}

/** What was agreed, and that it was what was billed. */
export const checkTerms = (bundle: ReceiptBundle): ReceiptCheck[] => [
  ...checkPrice(bundle),
  ...checkSlots(bundle),
  ...checkAmount(bundle),
  checkTimes(bundle),
]
