import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createProgress } from './create-progress.ts'
import { renderBars, type BarState } from './render-bar.ts'
import { renderFacts } from './render-facts.ts'
import { renderTable } from './render-table.ts'
import { styleFor } from './style.ts'
import { systemTerminal, wantsColor, type Terminal } from './terminal.ts'
import { printable, textWidth, truncate, withoutStyle } from './text-width.ts'
import { wrapLines } from './wrap-lines.ts'
import { wrapText } from './wrap-text.ts'

const plain = styleFor({ hasColor: false })
const colored = styleFor({ hasColor: true })

describe('width', () => {
  test.each([
    ['', 0],
    ['abc', 3],
    ['naïve', 5],
    ['e\u0301', 1],
    ['漢字', 4],
    ['👩‍🚀', 2],
    ['한글', 4],
    ['━━', 2],
    [colored.red('abc'), 3],
  ])('of %j is %i', (text, width) => {
    expect(textWidth(text)).toBe(width)
  })

  test('what is cut or wrapped is never wider than told, and wrapping loses nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 2, max: 20 }), (raw, width) => {
        const text = printable(raw).replace(/\s+/g, ' ')
        expect(textWidth(truncate(text, width))).toBeLessThanOrEqual(width)
        expect(wrapText(text, width).join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''))
      }),
    )
  })

  test.each([
    ['✓ one two three four\nfive six', '✓ one two three\n  four\nfive six'],
    ['  do  one two three four', '  do  one two\n      three four'],
    ['12:00  done  one two three', '12:00  done  one\n       two three'],
    [`a ${colored.red('red red red red red')} b`, `a ${colored.red('red red red\nred red')} b`],
    ['run this: aaaaaaaaaaaaaaaaaaaaaaaa', 'run this:\naaaaaaaaaaaaaaaaaaaaaaaa'],
  ])('lines of prose are broken between words, under their text: %j', (text, broken) => {
    expect(wrapLines(text, 16)).toBe(broken)
    expect(wrapLines(text, Infinity)).toBe(text)
  })

  test('control characters of strangers are shown, not obeyed', () => {
    expect(printable('a\u001b[2Jb\u202ec')).toBe('a\\u001b[2Jb\\u202ec')
  })
})

test('a terminal that says it has no width has room for everything', () => {
  const stream = { isTTY: true, columns: 0, rows: 0 } as NodeJS.WriteStream
  const program = { stdout: stream, stderr: stream, env: {} } as NodeJS.Process
  expect(systemTerminal(program).stdout).toMatchObject({ isTty: true, columns: Infinity, rows: Infinity })
  stream.columns = 80
  expect(systemTerminal(program).stdout.columns).toBe(80)
})

describe('colour', () => {
  test.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ TERM: 'dumb' }, true, false],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true, false],
    [{ FORCE_COLOR: '0' }, true, false],
  ])('of %j on a terminal (%s): %s', (env, isTty, expected) => {
    expect(wantsColor(env, isTty)).toBe(expected)
  })
})

describe('tables', () => {
  const columns = [
    { title: 'name', isFlexible: true },
    { title: 'count', align: 'right' },
    { title: 'note', isFlexible: true, wraps: true },
  ] as const
  const rows = [
    ['漢字', '7', 'short'],
    ['a rather long name', '1234', 'several words that need more than one line'],
  ]

  test('columns are aligned by cells', () => {
    expect(renderTable(columns, rows, { style: plain })).toBe(
      'NAME                COUNT  NOTE\n' +
        '漢字                    7  short\n' +
        'a rather long name   1234  several words that need more than one line\n',
    )
  })

  test('what is spare is left out first where there is no room, and named', () => {
    const spare = [
      { title: 'name', isFlexible: true },
      { title: 'memory', spare: 1 },
      { title: 'price', align: 'right' },
      { title: 'expires', spare: 2 },
    ] as const
    const offers = [['a name of forty characters, or thereabouts', '1 GiB', '$1', 'in 9 s']]
    const at = (width: number) => renderTable(spare, offers, { style: plain, width }).split('\n')
    expect(at(80)[0]).toBe('NAME                                        MEMORY  PRICE  EXPIRES')
    expect(at(46)).toEqual([
      'NAME                    MEMORY  PRICE  EXPIRES',
      'a name of forty chara…  1 GiB      $1  in 9 s',
      '',
    ])
    expect(at(40)).toEqual([
      'NAME                       MEMORY  PRICE',
      'a name of forty characte…  1 GiB      $1',
      'No room for: expires. All in a wider window or with --json.',
      '',
    ])
    expect(at(20)).toEqual([
      'NAME           PRICE',
      'a name of fo…     $1',
      'No room for: memory, expires. All in a wider window or with --json.',
      '',
    ])
  })

  test('what does not fit is cut or wrapped', () => {
    const text = renderTable(columns, rows, { style: plain, width: 36 })
    expect(text).toMatchInlineSnapshot(`
      "NAME           COUNT  NOTE
      漢字               7  short
      a rather lon…   1234  several words
                            that need more
                            than one line
      "
    `)
    for (const line of text.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(36)
  })

  test('colours do not count', () => {
    const painted = renderTable([{ title: 'a' }, { title: 'b' }], [[colored.red('x'), 'y']], { style: colored })
    expect(withoutStyle(painted)).toBe('A  B\nx  y\n')
  })

  test('without rows there is nothing', () => {
    expect(renderTable(columns, [], { style: plain })).toBe('')
  })
})

test('facts are aligned, and further lines of a value keep its indent', () => {
  const facts = [
    ['a', '1'],
    ['long', '2\n3'],
  ] as const
  expect(renderFacts(facts, { style: plain })).toBe('a     1\nlong  2\n      3\n')
})

describe('progress', () => {
  const state = (change: Partial<BarState>): BarState => ({
    label: 'pages',
    done: 0,
    total: 24,
    note: '',
    elapsedMs: 0,
    state: 'running',
    ...change,
  })

  test('draws bars under each other', () => {
    const lines = renderBars(
      [
        state({ done: 12, elapsedMs: 4_000 }),
        state({ label: 'lines', done: 7, total: undefined, elapsedMs: 1_300, note: '3 running' }),
        state({ done: 24, elapsedMs: 90_000, state: 'succeeded' }),
        state({ total: 0, state: 'failed', note: 'lost' }),
      ],
      78,
      plain,
    )
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "⠋ pages  ━━━━━━━━━━━━━━──────────────  12/24  4.0 s, 4.0 s left
      ⠸ lines                                    7  1.3 s  3 running
      ✓ pages  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━  24/24  1m 30s
      ✗ pages  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━    0/0  0 ms  lost"
    `)
  })

  test('no line is wider than the terminal', () => {
    const long = state({ label: 'x'.repeat(60), note: 'y'.repeat(60) })
    for (const line of renderBars([long], 50, plain)) expect(textWidth(line)).toBeLessThanOrEqual(50)
  })

  const terminalOf = (isTty: boolean, rows = 40) => {
    const written = { stdout: '', stderr: '' }
    const stream = (to: keyof typeof written) => ({
      write: (text: string) => void (written[to] += text),
      isTty,
      columns: 80,
      rows,
    })
    let time = 0
    const terminal: Terminal = {
      stdout: stream('stdout'),
      stderr: stream('stderr'),
      hasColor: false,
      elapsed: () => (time += 50),
    }
    return { terminal, written }
  }

  test('where nobody watches it prints what is printed and draws nothing', () => {
    const { terminal, written } = terminalOf(false)
    const progress = createProgress(terminal)
    const bar = progress.bar('pages', 3)
    bar.update({ done: 1 })
    progress.print('hello\n')
    bar.succeed()
    progress.stop()
    expect(written).toEqual({ stdout: 'hello\n', stderr: '' })
  })

  test('on a terminal text goes above the bars, and the cursor comes back', () => {
    const { terminal, written } = terminalOf(true)
    const progress = createProgress(terminal)
    const bar = progress.bar('pages', 3)
    progress.print('hello\n')
    bar.update({ done: 3 })
    bar.succeed()
    progress.stop()
    expect(written.stdout).toBe('hello\n')
    expect(written.stderr).toContain('\u001b[1A\r\u001b[J')
    expect(written.stderr).toContain('✓ pages')
    expect(written.stderr.endsWith('\u001b[?25h')).toBe(true)
  })

  test('the live line is above the bars, cut to the terminal, and gone when it is taken away', () => {
    const { terminal, written } = terminalOf(true)
    const progress = createProgress(terminal)
    const bar = progress.bar('pages', 3)
    progress.live('x'.repeat(200))
    progress.print('')
    expect(written.stderr.slice(written.stderr.lastIndexOf('x'.repeat(78)))).toMatch(/^x{78}…\n.*pages.*\n/)
    expect(written.stderr).not.toContain('x'.repeat(79))
    progress.live('')
    written.stderr = ''
    bar.succeed()
    progress.stop()
    expect(written.stderr).not.toContain('x')
  })

  test('never draws more lines than the terminal has', () => {
    const { terminal, written } = terminalOf(true, 6)
    const progress = createProgress(terminal)
    for (let index = 0; index < 20; index++) progress.bar(`bar ${index}`, 1)
    progress.stop()
    expect(written.stderr).toContain('… and 17 more')
    const ups = [...written.stderr.matchAll(/\[(\d+)A/g)].map(([, count]) => Number(count))
    expect(Math.max(...ups)).toBe(4)
  })
})
