import type { Offer } from '@muster/protocol'
import { gpuKindOf } from './gpu-kind.ts'
import { runtimeBits } from './offer-rows.ts'

const isSameText = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean => {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
}

const isSameSigned = ({ attestations: a = [] }: Offer, { attestations: b = [] }: Offer): boolean =>
  a.length === b.length &&
  a.every(
    ({ record }, index) =>
      record.auditor === b[index]?.record.auditor && isSameText(record.attributes, b[index].record.attributes),
  )

const isSameGpus = (a: Offer['gpus'], b: Offer['gpus']): boolean =>
  a === b ||
  (a.length === b.length &&
    a.every(
      ({ vendor, model, interface: connection }, at) =>
        vendor === b[at]?.vendor && model === b[at].model && connection === b[at].interface,
    ))

const isSameKinds = ({ term: a }: Offer, { term: b }: Offer): boolean => a?.kinds.join() === b?.kinds.join()

/** Whether nothing differs by which an offer is found: only measures, price and slots do. */
export const isAlike = (a: Offer, b: Offer): boolean =>
  a.region === b.region &&
  a.country === b.country &&
  a.execSpec === b.execSpec &&
  a.operator === b.operator &&
  a.price.per === b.price.per &&
  a.resources.gpuCount === b.resources.gpuCount &&
  runtimeBits(a.runtimes) === runtimeBits(b.runtimes) &&
  isSameKinds(a, b) &&
  isSameText(a.attributes, b.attributes) &&
  isSameSigned(a, b) &&
  (isSameGpus(a.gpus, b.gpus) || gpuKindOf(a.gpus) === gpuKindOf(b.gpus))
