import { ByteView } from "@attache/sdk";

/** `text` with its ASCII letters in lower case, as names of headers and hosts are compared; all other letters stay. */
export function lowerCase(text: string): string {
  return ByteView.ofText(text).toLowerCase().toString();
}
