/** How wide a text will be, where nothing is there to measure it: when the page is built. Pure. */

type Face = 'plain' | 'bold' | 'mono';

/** Of an average system font; wide letters and narrow ones count apart, the others as `other`. */
const EM: Readonly<Record<Face, { readonly wide: number; readonly narrow: number; readonly other: number }>> = {
  plain: { wide: 0.82, narrow: 0.32, other: 0.6 },
  bold: { wide: 0.95, narrow: 0.38, other: 0.66 },
  mono: { wide: 0.61, narrow: 0.61, other: 0.61 },
};

/** @returns pixels */
export function widthOf(text: string, pixels: number, face: Face): number {
  const { wide, narrow, other } = EM[face];
  const ems = [...text].map((letter) =>
    /[mwMW@%]/.test(letter) ? wide : /[iljftr.,:;|'! ]/.test(letter) ? narrow : other,
  );
  return pixels * ems.reduce((sum, em) => sum + em, 0);
}
