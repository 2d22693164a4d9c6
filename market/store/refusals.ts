import { MusterError, type JobId, type KeyId, type ReceiptId, type TenantId } from '@muster/protocol'

export const tenantTaken = (id: TenantId): MusterError =>
  new MusterError({ code: 'conflict', message: 'There is a tenant with this id already.', facts: { tenant: id } })

export const tenantMissing = (id: TenantId): MusterError =>
  new MusterError({ code: 'not_found', message: 'There is no tenant with this id.', facts: { tenant: id } })

export const keyTaken = (id: KeyId): MusterError =>
  new MusterError({ code: 'conflict', message: 'This API key exists already.', facts: { key: id } })

export const storeClosed = (): MusterError =>
  new MusterError({ code: 'unavailable', message: 'The market is shutting down; try another node or later.' })

export const receiptWritten = (id: ReceiptId, job: JobId): MusterError =>
  new MusterError({
    code: 'transition_refused',
    message: 'This receipt was written before.',
    facts: { receipt: id, job },
  })
