import { addressSchema, toJson, toProblem, type Address, type World } from '@muster/protocol'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { FollowedMarket } from './follow-markets.ts'
import { replaceFile } from './market-file.ts'

const count = z.int().min(0)

const statusFileSchema = z.object({
  /** When the agent last wrote this; wall-clock ms. */
  at: count,
  provider: addressSchema,
  chainId: z.int().min(0),
  markets: z.array(
    z.object({
      url: z.string(),
      address: addressSchema.nullable(),
      phase: z.enum(['asked', 'linked', 'unlinked', 'leaving', 'refused']),
      problem: z.string().nullable(),
      reserved: count,
      leased: count,
      unsettled: count,
      seen: z.object({
        leased: count,
        released: count,
        lapsed: count,
        turnedAway: count,
        claimed: count,
        settled: count,
        restsUntil: count,
      }),
    }),
  ),
})

/** How a running agent stands with its markets, for `muster agent market list`. */
export type StatusFile = z.output<typeof statusFileSchema>

export const statusFileOf = (dataDirectory: string): string => path.join(dataDirectory, 'markets-status.json')

/** Older than this, the agent that wrote it does not run. */
export const staleMs = 15_000
const writeEveryMs = 5_000

const nothingSeen = { leased: 0, released: 0, lapsed: 0, turnedAway: 0, claimed: 0, settled: 0, restsUntil: 0 }

const lineOf = ({ url, address, problem, status }: FollowedMarket): StatusFile['markets'][number] => {
  const why = problem ?? status?.problem ?? null
  return {
    url,
    address,
    phase: why !== null ? 'refused' : (status?.phase ?? 'asked'),
    problem: why === null ? null : toProblem(why).message,
    reserved: status?.reserved ?? 0,
    leased: status?.leased ?? 0,
    unsettled: status?.unsettled ?? 0,
    seen: status === null ? nothingSeen : status.record,
  }
}

/** Writes the file when something in it has changed, and every five seconds at least. */
export const createStatusWriter = (
  file: string,
  { world, ...who }: { readonly world: World; readonly provider: Address; readonly chainId: number },
): ((markets: readonly FollowedMarket[]) => Promise<void>) => {
  let before = ''
  let writtenAt = 0
  return async (markets) => {
    const lines = markets.map(lineOf)
    const text = toJson(lines)
    const at = world.now()
    if (text === before && at - writtenAt < writeEveryMs) return
    before = text
    writtenAt = at
    await replaceFile(file, `${toJson({ at, ...who, markets: lines })}\n`)
  }
}

/** What the agent of this directory last wrote; `undefined` where none ever ran, or what lies there cannot be read. */
export const readStatusFile = async (file: string): Promise<StatusFile | undefined> => {
  try {
    return statusFileSchema.safeParse(JSON.parse(await readFile(file, 'utf8'))).data
  } catch {
    return undefined
  }
}
