import { formatUsd, type Offer, type Price } from '@muster/sdk'

/** `$0.0000005 / operator` */
export const formatPrice = ({ nanoUsd, per }: Price): string => `${formatUsd(nanoUsd)} / ${per}`

/** Cores out of thousandths: `0.5`, `4`. */
export const formatCores = (cpuMilli: number): string => String(cpuMilli / 1000)

/** `0x1234…cdef`: enough of an address, a digest or a CID to tell it from its neighbours. */
export const shorten = (text: string, head = 8, tail = 4): string =>
  text.length <= head + tail + 1 ? text : `${text.slice(0, head)}…${text.slice(-tail)}`

/** `2× nvidia RTX 4090`, or a dash. */
export const formatGpus = (gpus: Offer['gpus']): string => {
  const counts = new Map<string, number>()
  for (const { vendor, model } of gpus) counts.set(`${vendor} ${model}`, (counts.get(`${vendor} ${model}`) ?? 0) + 1)
  return counts.size === 0 ? '–' : [...counts].map(([name, count]) => `${count}× ${name}`).join(', ')
}
