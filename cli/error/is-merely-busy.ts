import type { NearMiss, Problem } from '@muster/sdk'

/** Whether an order that nothing fits would fit a machine that only is busy now; such are named first. */
export const isMerelyBusy = ({ code, facts }: Pick<Problem, 'code' | 'facts'>): boolean => {
  const [first] = code === 'nothing_fits' && Array.isArray(facts['nearest']) ? (facts['nearest'] as NearMiss[]) : []
  return first?.failed.every(({ requirement }) => requirement === 'slots free') === true
}
