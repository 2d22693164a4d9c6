import { z } from 'zod'

/** What a winner is paid. `pay-as-bid`: its bid. `second-price`: the highest price at which it would still have won. */
export const auctionPricings = ['pay-as-bid', 'second-price'] as const
export type AuctionPricing = (typeof auctionPricings)[number]

export const leastWindowMs = 20
export const mostWindowMs = 60_000

/** How an order is auctioned by sealed bids; an order without it is answered at once from standing offers. */
export const auctionTermsSchema = z.strictObject({
  /** From soliciting to the close. */
  windowMs: z.int().min(leastWindowMs).max(mostWindowMs),
  pricing: z.enum(auctionPricings),
})

export type AuctionTerms = z.output<typeof auctionTermsSchema>
