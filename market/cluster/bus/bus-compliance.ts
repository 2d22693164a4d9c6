import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { maxBusBytes, type Bus } from './bus.ts'

export interface BusesUnderTest {
  /** Another node's end of the same bus. */
  join(): Promise<Bus>
  /** Nothing passes until `mend`. */
  breakOff(): Promise<void>
  mend(): Promise<void>
  close(): Promise<void>
}

const listen = (bus: Bus): string[] => {
  const heard: string[] = []
  bus.subscribe((text) => void heard.push(text))
  return heard
}

/** What every bus does. */
export const describeBus = (name: string, open: () => Promise<BusesUnderTest>): void => {
  describe(`bus: ${name}`, () => {
    let under: BusesUnderTest
    beforeEach(async () => {
      under = await open()
    })
    afterEach(() => under.close())

    test('what one end publishes all others hear, in order', async () => {
      const [a, b, c] = [await under.join(), await under.join(), await under.join()]
      const heard = [listen(b), listen(c)]
      await expectDelivery(a, heard)
      for (const text of ['one', 'two', 'three']) a.publish(text)
      await vi.waitFor(() => {
        for (const each of heard) expect(each.filter((text) => text !== 'hello')).toEqual(['one', 'two', 'three'])
      })
      for (const bus of [a, b, c]) await bus.close()
    })

    test('a broken bus says so, drops what is published, and carries again once it is mended', async () => {
      const [a, b] = [await under.join(), await under.join()]
      const heard = listen(b)
      await expectDelivery(a, [heard])
      expect([a.isUp(), b.isUp()]).toEqual([true, true])
      await under.breakOff()
      await vi.waitFor(() => expect([a.isUp(), b.isUp()]).toEqual([false, false]), { timeout: 10_000 })
      a.publish('lost')
      await under.mend()
      await vi.waitFor(() => expect([a.isUp(), b.isUp()]).toEqual([true, true]), { timeout: 10_000 })
      await expectDelivery(a, [heard])
      expect(heard).not.toContain('lost')
      for (const bus of [a, b]) await bus.close()
    })

    test('what is longer than a nudge is not carried', async () => {
      const [a, b] = [await under.join(), await under.join()]
      const heard = listen(b)
      await expectDelivery(a, [heard])
      a.publish('x'.repeat(maxBusBytes + 1))
      a.publish('é'.repeat(maxBusBytes))
      a.publish('y'.repeat(maxBusBytes))
      await vi.waitFor(() => expect(heard).toContain('y'.repeat(maxBusBytes)))
      expect(heard.filter((text) => text !== 'hello')).toEqual(['y'.repeat(maxBusBytes)])
      for (const bus of [a, b]) await bus.close()
    })

    test('an end that is closed hears nothing more, and publishing on it harms nobody', async () => {
      const [a, b, c] = [await under.join(), await under.join(), await under.join()]
      const [gone, heard] = [listen(b), listen(c)]
      await expectDelivery(a, [gone, heard])
      await b.close()
      const before = gone.length
      b.publish('from nowhere')
      a.publish('last')
      await vi.waitFor(() => expect(heard).toContain('last'))
      expect([gone.length, heard.includes('from nowhere')]).toEqual([before, false])
      for (const bus of [a, c]) await bus.close()
    })
  })
}

/** A subscription may take a moment: publishes until it is heard. */
const expectDelivery = async (from: Bus, heard: readonly string[][]): Promise<void> => {
  const before = heard.map((each) => each.length)
  await vi.waitFor(
    () => {
      from.publish('hello')
      for (const [index, each] of heard.entries()) expect(each.length).toBeGreaterThan(before[index] ?? 0)
    },
    { timeout: 10_000 },
  )
}
