import { z } from 'zod'

/** The URLs of a market, one for each node it is reached at: `https://a.example+https://b.example`. */
export const nodeUrls = (marketUrl: string): readonly string[] => marketUrl.split(/\+(?=https?:\/\/)/)

const isUrl = (text: string): boolean => {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol)
}

const bare = (url: string): string => url.replace(/\/+$/, '')

/** Where a market is reached: an http(s) URL, or one for each of its nodes with `+` between them. Slashes at their ends go. */
export const marketUrlSchema = z
  .string()
  .refine((text) => nodeUrls(text).every(isUrl), { error: 'expected a URL such as https://market.example' })
  .transform((text) => nodeUrls(text).map(bare).join('+'))
