/** Of the market program, as nodes and links tell each other. */
export const version = '0.1.0'
