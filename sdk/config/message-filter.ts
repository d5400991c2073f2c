/**
 * Changes what messages about a configuration say. A class of its own, so that only filters that take environment variables
 * have the code that hides their values.
 */
export abstract class MessageFilter {
  abstract apply(message: string): string;
}
