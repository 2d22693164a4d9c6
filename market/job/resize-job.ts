import {
  digestOf,
  mostResizes,
  MusterError,
  signRecord,
  type Resize,
  type SignatureDomain,
  type SignedResize,
  type Signer,
  type Verifier,
} from '@muster/protocol'
import type { Tenant } from '../store/store.ts'
import type { JobActor } from './job-actor.ts'

export interface ResizeJobModules {
  /** The market's own key: it signs for tenants that have none. */
  readonly signer: Signer
  readonly verifier: Verifier
  readonly domain: SignatureDomain
}

const refuse = (field: string, expected: unknown, found: unknown): MusterError =>
  new MusterError({
    code: field === 'number' ? 'conflict' : 'record_invalid',
    message:
      field === 'number'
        ? 'The job was resized meanwhile; look at it and sign again.'
        : `This resize does not match what it came with: ${field}.`,
    facts: { field, expected, found },
    fault: 'tenant',
  })

const requireSigned = (
  signed: SignedResize,
  expected: Omit<Resize, 'issuedAt'>,
  tenant: Tenant,
  { verifier, domain }: ResizeJobModules,
): void => {
  for (const [field, value] of Object.entries(expected)) {
    const found: unknown = Reflect.get(signed.record, field)
    if (value !== found) throw refuse(field, value, found)
  }
  if (tenant.address === null) throw refuse('signature', 'none: the market keeps this tenant’s key', 'one')
  verifier.requireSigner(domain, signed, tenant.address)
}

/**
 * How many slots a job wants at once from now on. More are leased from the providers it has first; those that are too many go back at
 * once where they are idle, and after their attempts where they are not. The same number again changes nothing. Rejects `conflict` for a
 * job that is closed or was resized meanwhile, `signature_invalid` and `record_invalid`.
 */
export const resizeJob = (
  actor: JobActor,
  tenant: Tenant,
  { slots, resize }: { readonly slots: number; readonly resize?: SignedResize | undefined },
  modules: ResizeJobModules,
): Promise<void> =>
  actor.step((draft) => {
    const { job } = draft
    if (job.closed !== null)
      throw new MusterError({ code: 'conflict', message: 'The job is closed.', facts: { job: job.id }, retry: 'never' })
    if (job.slots === slots) return
    const number = job.resizes.length + 1
    if (number > mostResizes)
      throw new MusterError({
        code: 'conflict',
        message: 'The job was resized as often as a job may be.',
        facts: { expected: mostResizes },
        retry: 'never',
      })
    const { market } = modules.domain
    const expected = {
      kind: 'resize',
      market,
      tenant: tenant.id,
      order: digestOf(job.order.record),
      number,
      slots,
    } as const
    if (resize !== undefined) requireSigned(resize, expected, tenant, modules)
    else if (tenant.address !== null)
      throw new MusterError({
        code: 'signature_invalid',
        message: 'This tenant signs for itself: send the resize signed.',
        facts: { expected: tenant.address, found: 'no signature' },
        fault: 'tenant',
      })
    const signed = resize ?? signRecord(modules.signer, modules.domain, { ...expected, issuedAt: draft.now })
    draft.emit({ type: 'resized', at: draft.now, resize: signed })
  })
