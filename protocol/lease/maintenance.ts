import { z } from 'zod'
import { timeSchema } from '../resource/resources.ts'

/** When a machine is not to be had: from the first until just before the second, wall-clock ms. */
export const maintenanceSchema = z
  .strictObject({ from: timeSchema, until: timeSchema })
  .refine(({ from, until }) => from < until, { path: ['until'], error: 'expected a time after from' })
export type Maintenance = z.output<typeof maintenanceSchema>

/** Windows that an offer may announce. */
export const mostMaintenance = 8

/** The first of these windows that a span of time runs into. */
export const runsInto = (
  windows: readonly Maintenance[] | undefined,
  from: number,
  until: number,
): Maintenance | undefined => windows?.find((window) => window.from < until && from < window.until)
