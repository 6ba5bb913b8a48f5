/** Shows a name that somebody else has chosen: an image, a config. It cannot end the line, or colour the terminal. */

const LONGEST = 200;

/** @returns the name as it is where it is plain, else as a JSON string with all that is special escaped */
export function shown(name: string): string {
  const cut = name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name;
  if (/^[\x21-\x7e…]+$/.test(cut) && !/["()]/.test(cut)) return cut;
  return JSON.stringify(cut).replace(
    /[\x7f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
