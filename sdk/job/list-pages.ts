import {
  listReceiptsRoute,
  listTasksRoute,
  type JobId,
  type ReceiptBundle,
  type ReceiptId,
  type TaskView,
} from '@muster/protocol'
import { callRoute, type CallOptions } from '../client/call-route.ts'
import type { Connection } from '../client/connection.ts'

const pageSize = 500

/** Every task of a job by index, fetched page by page. */
export async function* listTasks(
  connection: Connection,
  job: JobId,
  options?: CallOptions,
): AsyncGenerator<TaskView, void, undefined> {
  for (let from = 0; ; from += pageSize) {
    const input = { params: { job }, query: { from, limit: pageSize } }
    const { tasks } = await callRoute(connection, listTasksRoute, input, options)
    yield* tasks
    if (tasks.length < pageSize) return
  }
}

/** Every receipt of a job with the records it rests on, oldest first, fetched page by page. */
export async function* listReceipts(
  connection: Connection,
  job: JobId,
  options?: CallOptions,
): AsyncGenerator<ReceiptBundle, void, undefined> {
  let after: ReceiptId | undefined
  for (;;) {
    const query = { limit: pageSize, ...(after === undefined ? {} : { after }) }
    const { receipts } = await callRoute(connection, listReceiptsRoute, { params: { job }, query }, options)
    yield* receipts
    after = receipts.at(-1)?.receipt.record.id
    if (receipts.length < pageSize) return
  }
}
