import postgres from 'postgres'

/** How to reach a database: a host name, or the directory of a socket where it starts with a slash. */
export interface PostgresConnection {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

export type Sql = postgres.Sql
/** A part of a statement, or all of it. */
export type Fragment = postgres.PendingQuery<postgres.Row[]>

export interface SqlOptions {
  readonly connections: number
  /** Settings of each session. */
  readonly settings?: Readonly<Record<string, string>>
}

const reconnectSeconds = 0.05

/** A pool of connections, made when they are needed. Numbers of 64 bits and numerics arrive as text. */
export const openSql = (target: PostgresConnection | string, { connections, settings = {} }: SqlOptions): Sql => {
  const options = {
    max: connections,
    fetch_types: false,
    onnotice: () => {},
    connect_timeout: 10,
    max_lifetime: null,
    backoff: () => reconnectSeconds,
    connection: { application_name: 'muster', ...settings },
  }
  return typeof target === 'string' ? postgres(target, options) : postgres({ ...target, ...options })
}
