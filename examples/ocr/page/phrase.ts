import type { Random } from './random.ts'

const subjects = [
  'The harbour office',
  'A quiet workshop',
  'The night train',
  'Our small orchard',
  'The old lighthouse',
  'A grey heron',
  'The village library',
  'Every second barge',
  'The repair crew',
  'A borrowed telescope',
  'The weather station',
  'The paper mill',
  'A patient gardener',
  'The river gauge',
  'Half of the archive',
  'The new ferry',
  'A copper kettle',
  'The last delivery',
  'The market hall',
  'A loose shutter',
]
const verbs = [
  'closed before',
  'stood beside',
  'waited for',
  'opened after',
  'was moved behind',
  'kept a record of',
  'never saw',
  'depends on',
  'was painted like',
  'returned with',
  'carried more than',
  'measured',
  'was built around',
  'outlived',
]
const objects = [
  'the first frost',
  'a row of blue crates',
  'the winter timetable',
  'two empty reservoirs',
  'the north gate',
  'a bundle of letters',
  'the spring flood',
  'seven cracked bells',
  'the eastern bridge',
  'a field of barley',
  'the missing ledger',
  'a jar of green ink',
  'the long queue',
  'three tonnes of gravel',
  'the town clock',
]
const endings = [
  'and nobody complained',
  'at a quarter past nine',
  'for most of October',
  'while the rain held off',
  'in good order',
  'as the report explains',
  'without any delay',
  'which surprised us all',
  'on the far side of the valley',
  'just as it does every year',
  'under a very bright moon',
  'when the wind turned west',
  'until the lamp went out',
]
const goods = [
  'Copper wire, 12 m',
  'Oak board',
  'Paper, A4, white',
  'Steel hinge',
  'Linen thread',
  'Glass jar, 500 ml',
  'Brass screw M6',
  'Candle wax',
  'Rubber seal',
  'Garden twine',
  'Ink, black',
  'Canvas bag',
  'Lamp oil, 2 l',
  'Cork sheet',
  'Wool blanket',
  'Tin funnel',
  'Roof tile',
  'Chalk, box of 50',
  'Clay pot',
  'Filter mesh',
]
const places = [
  'Ashford Quay',
  'Milldale',
  'North Pier',
  'Stonebeck',
  'Harrow Lane',
  'Westerby',
  'Low Meadow',
  'Kiln Street',
  'Fernhill',
  'Old Wharf',
  'Larkfield',
  'Upper Dene',
]
const quantities = [
  'Rainfall',
  'Pressure',
  'Humidity',
  'Wind',
  'Visibility',
  'Depth',
  'Flow',
  'Load',
  'Voltage',
  'Speed',
]
const units = ['mm', 'kPa', '%', 'km/h', 'km', 'm', 'l/s', 'kg', 'V', 'm/s']
const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October']

const twoDigits = (value: number) => String(value).padStart(2, '0')
const cents = (value: number) => `${Math.floor(value / 100)}.${twoDigits(value % 100)}`

/** Invented words for a page; they tell of nobody. */
export const sentence = (random: Random): string =>
  `${random.pick(subjects)} ${random.pick(verbs)} ${random.pick(objects)} ${random.pick(endings)}.`

export type Table = { readonly heading: string; readonly row: () => readonly string[] }

/** A heading and a maker of rows that fit under it. */
export const table = (random: Random): Table => random.pick([invoice, timetable, measurements])(random)

const invoice = (random: Random): Table => ({
  heading: `${random.pick(['Invoice No.', 'Delivery note', 'Order'])} ${random.integer(10_000, 99_999)}`,
  row: () => {
    const count = random.integer(1, 24)
    const price = random.integer(25, 9_999)
    return [random.pick(goods), `${count} x ${cents(price)}`, cents(count * price)]
  },
})

const timetable = (random: Random): Table => {
  const time = () => `${twoDigits(random.integer(5, 23))}:${twoDigits(random.integer(0, 59))}`
  return {
    heading: `Timetable for ${random.pick(months)} ${random.integer(1970, 2039)}`,
    row: () => [random.pick(places), time(), time(), `Track ${random.integer(1, 12)}`],
  }
}

const measurements = (random: Random): Table => ({
  heading: `${random.pick(places)}, station ${random.integer(2, 99)}: readings`,
  row: () => {
    const kind = random.integer(0, quantities.length - 1)
    const value = `${random.integer(0, 999)}.${random.integer(0, 9)} ${units[kind] ?? ''}`
    return [quantities[kind] ?? '', value, `${random.integer(1, 28)} ${random.pick(months)}`]
  },
})
