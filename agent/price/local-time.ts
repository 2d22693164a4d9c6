import { weekdays, type Weekday } from './price-policy.ts'

/** What the clock on a wall shows. */
export interface LocalTime {
  readonly weekday: Weekday
  /** Since midnight, by the clock: 0 to 1439. */
  readonly minute: number
}

/** `"22:30"` → 1350. */
export const minuteOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3))

/** 1350 → `"22:30"`. */
export const clockOf = (minute: number): string =>
  [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, '0')).join(':')

const formats = new Map<string, Intl.DateTimeFormat>()

const formatOf = (timeZone: string): Intl.DateTimeFormat => {
  const known = formats.get(timeZone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  formats.set(timeZone, made)
  return made
}

/**
 * The wall clock of a zone at an instant (milliseconds since 1970). Every instant has one, so an hour that a clock change
 * repeats is twice on the clock, and one that it leaves out never.
 */
export const localTime = (at: number, timeZone: string): LocalTime => {
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  )
  const name = parts.get('weekday')?.toLowerCase()
  return {
    weekday: weekdays.find((day) => day === name) ?? 'mon',
    minute: minuteOf(`${parts.get('hour') ?? '00'}:${parts.get('minute') ?? '00'}`),
  }
}
