import { signTogether, type Address, type Claim, type SignatureDomain, type Signer } from '@muster/protocol'
import { plainProblem } from '../attempt/describe-failure.ts'
import type { HeldAttempt, HeldReport } from '../book/book.ts'
import type { OutcomesRecord } from '../journal/journal-record.ts'

/** How these attempts of one market ended, at least one, with one signature over all their claims. */
export const makeReport = (
  signer: Signer,
  domain: SignatureDomain,
  market: Address,
  attempts: readonly HeldAttempt[],
): HeldReport => {
  const [first] = attempts
  if (first === undefined) throw new RangeError('a report is of at least one attempt')
  const claims: Claim[] = []
  const failures: OutcomesRecord['failures'] = []
  for (const { id, ending } of attempts) {
    if (ending === null) continue
    if ('claim' in ending) claims.push(ending.claim)
    else failures.push({ attempt: id, problem: plainProblem(ending.problem) })
  }
  return {
    id: first.id,
    market,
    claims: claims.length === 0 ? null : { claims, signature: signTogether(signer, domain, claims) },
    failures,
    attempts,
    starts: new Set(),
    unsettled: 0,
    sentAt: null,
  }
}
