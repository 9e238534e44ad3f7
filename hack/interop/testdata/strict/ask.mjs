// A person is asked by a line on standard output, and answers with the address the
// browser was sent to.
import { createInterface } from 'node:readline/promises';

export async function person(url) {
  const terminal = createInterface({ input: process.stdin });
  const answer = new Promise(resolve => terminal.once('line', resolve));
  console.log('open ' + url);
  const back = new URL(await answer);
  terminal.close(); // or this program would not end
  return back;
}

export const { ISSUER, CLIENT_ID, CLIENT_SECRET, METHOD, REDIRECT, RESOURCE, OTHER } = process.env;
