export { Scopes } from "./scopes";
