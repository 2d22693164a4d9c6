/** How to reach a database: a host name, or the directory of a socket where it starts with a slash. */
export interface PostgresConnection {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}
