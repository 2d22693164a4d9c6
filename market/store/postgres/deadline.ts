import { MusterError, type World } from '@muster/protocol'

/** The promise, or a rejection with `timeout` where it takes longer than `limitMs`. What it stands for goes on. */
export const withDeadline = <Result>(world: World, limitMs: number, promise: PromiseLike<Result>): Promise<Result> =>
  new Promise((resolve, reject) => {
    const late = world.after(limitMs, () => {
      reject(new MusterError({ code: 'timeout', message: 'The database took too long.', facts: { limitMs } }))
    })
    promise.then(
      (result) => {
        late.cancel()
        resolve(result)
      },
      (error: unknown) => {
        late.cancel()
        reject(error)
      },
    )
  })
