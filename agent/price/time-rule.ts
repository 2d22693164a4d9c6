import { clockOf, localTime, type LocalTime } from './local-time.ts'
import { weekdays, type PricePolicy, type TimeRule, type Weekday } from './price-policy.ts'

const dayBefore = (day: Weekday): Weekday => weekdays[(weekdays.indexOf(day) + 6) % 7] ?? day

const isInForce = ({ days, fromMinute, toMinute }: TimeRule, { weekday, minute }: LocalTime): boolean => {
  if (fromMinute < toMinute) return days.has(weekday) && minute >= fromMinute && minute < toMinute
  return minute >= fromMinute ? days.has(weekday) : minute < toMinute && days.has(dayBefore(weekday))
}

/** The first rule of the policy that is in force at an instant. */
export const timeRuleAt = (
  { times, timeZone }: Pick<PricePolicy, 'times' | 'timeZone'>,
  at: number,
): TimeRule | undefined => {
  if (times.length === 0) return undefined
  const local = localTime(at, timeZone)
  return times.find((rule) => isInForce(rule, local))
}

/** `sat, sun 22:00 to 06:00`. */
export const sayRule = ({ days, fromMinute, toMinute }: TimeRule): string => {
  const isDaily = weekdays.every((day) => days.has(day))
  return `${isDaily ? '' : `${[...days].join(', ')} `}${clockOf(fromMinute)} to ${clockOf(toMinute)}`
}
