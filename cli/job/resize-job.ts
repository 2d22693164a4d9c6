import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { parseJobId } from './parse-ids.ts'

const slotsSaid = (count: number): string => `${count} ${count === 1 ? 'slot' : 'slots'}`

/** `muster job resize`: how many slots a job wants at once from now on. */
export const resizeJob = async (
  session: Session,
  text: string,
  { slots }: { readonly slots: number },
): Promise<number> => {
  const { signal, style } = session
  const job = parseJobId(text)
  const muster = await session.connectFor(job)
  const before = await muster.listLeases(job, { signal })
  const view = await muster.resizeJob(job, slots, { signal })
  session.print(view, () => {
    if (before.slots === slots) return `The job wants ${slotsSaid(slots)} already.\n`
    const how =
      slots > before.slots
        ? 'More are leased where it has some already, else at auction.'
        : 'Idle slots go back at once, busy ones after their attempts.'
    return `${style.green('✓')} The job wants ${slotsSaid(slots)} instead of ${before.slots}. ${how}\n`
  })
  return exitCodes.ok
}
