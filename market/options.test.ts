import { expect, test } from 'vitest'
import { compileMarketOptions } from './options.ts'

test.each([
  'postgres://muster:a%20secret@127.0.0.1:5432/muster',
  'postgresql://muster@%2Fvar%2Frun%2Fpostgresql/muster',
  'postgres://muster:a,b@127.0.0.1/muster',
  'postgres://muster:a@first:5432,second:5433/muster?target_session_attrs=read-write',
])('%s is a database', (databaseUrl) => {
  expect(compileMarketOptions({ databaseUrl })).toMatchObject({ databaseUrl })
})

test.each(['muster:secret@127.0.0.1', 'https://127.0.0.1/muster', 'postgres://muster@first:port,second/muster'])(
  '%s is none',
  (databaseUrl) => {
    expect(() => compileMarketOptions({ databaseUrl })).toThrow('expected postgres://')
  },
)
