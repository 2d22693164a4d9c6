/** Characters by class of the recogniser; class 0 is the blank of CTC. */
export type Dictionary = readonly string[]

/** PP-OCR's key file has one character a line; the recogniser has a blank before them and a space after. */
export const readDictionary = (keys: string): Dictionary => ['', ...keys.replace(/\r?\n$/, '').split(/\r?\n/), ' ']
