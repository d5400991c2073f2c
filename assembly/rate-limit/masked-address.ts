import { ByteView, decimal, IpAddress, Text } from "@attache/sdk";

/** How an address is written into a key: canonically, and as a block when bits are left out: `10.1.2.0/24`. */
@final
export class MaskedAddress {
  private readonly mask4: u64;
  private readonly high6: u64;
  private readonly low6: u64;
  private readonly suffix4: Text;
  private readonly suffix6: Text;
  /** Holds the text until the next one: 39 bytes of address at most, and four of the number of bits. */
  private readonly text: StaticArray<u8> = new StaticArray<u8>(48);

  constructor(bits4: i32, bits6: i32) {
    this.mask4 = ((<u64>u32.MAX_VALUE) << (32 - bits4)) & u32.MAX_VALUE;
    this.high6 = bits6 >= 64 ? u64.MAX_VALUE : u64.MAX_VALUE << (64 - bits6);
    this.low6 = bits6 <= 64 ? 0 : u64.MAX_VALUE << (128 - bits6);
    this.suffix4 = new Text(bits4 < 32 ? "/" + decimal(bits4) : "");
    this.suffix6 = new Text(bits6 < 128 ? "/" + decimal(bits6) : "");
  }

  print(address: IpAddress): ByteView {
    // An address is made for one callback and one user: it can be changed in place.
    const place = changetype<usize>(address);
    store<u64>(place, address.high & this.high6, offsetof<IpAddress>("high"));
    store<u64>(place, address.low & (address.isIpv4 ? this.mask4 : this.low6), offsetof<IpAddress>("low"));
    const printed = address.toBytes();
    const suffix = address.isIpv4 ? this.suffix4 : this.suffix6;
    const text = changetype<usize>(this.text);
    memory.copy(text, printed.start, printed.length);
    memory.copy(text + printed.length, suffix.encoded, suffix.length);
    return ByteView.of(text, printed.length + suffix.length);
  }
}
