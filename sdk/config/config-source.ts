import { JsonDocument } from "../json/document";
import { MessageFilter } from "./message-filter";
import { Problems } from "./problems";

/** What all readers of one configuration share. */
@final
export class ConfigSource {
  readonly document: JsonDocument = new JsonDocument();
  /** For numbers that are written as strings. */
  content: JsonDocument | null = null;
  readonly problems: Problems = new Problems();
  readonly warnings: Problems = new Problems();
  /** Looks at all messages, when there is one. */
  messageFilter: MessageFilter | null = null;
  isFinished: bool = false;
}
