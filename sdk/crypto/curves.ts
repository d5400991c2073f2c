import { Curve } from "./curve";
import { keep, kept } from "./keep";

// The curves of FIPS 186-4 §D.1.2, as five numbers: p, the order, b, and the two coordinates of the base point. They
// stand as 64-bit words whose bytes in memory are the numbers, most significant first. Each is made at its first use.

/** P-256. */
export function p256(): Curve {
  const slot = memory.data(4);
  const curve = kept<Curve>(slot);
  if (curve !== null) return curve;
  return keep(
    slot,
    new Curve(
      memory.data<u64>([
        0x01000000ffffffff, 0x0000000000000000, 0xffffffff00000000, 0xffffffffffffffff, 0x00000000ffffffff,
        0xffffffffffffffff, 0x849e17a7adfae6bc, 0x512563fcc2cab9f3, 0xe7933aaad835c65a, 0xbc86987655bdebb3,
        0xf6b053ccb0061d65, 0x4b60d2273e3cce3b, 0x47422ce1f2d1176b, 0xf240a463e5e6bcf8, 0xa033eb2d817d0377,
        0x96c298d84539a1f4, 0x9b7f1afee242e34f, 0x169e0f7c4aebe78e, 0xce5e316b5733ce2b, 0xf551bf376840b6cb,
      ]),
      32,
    ),
  );
}

/** P-384. */
export function p384(): Curve {
  const slot = memory.data(4);
  const curve = kept<Curve>(slot);
  if (curve !== null) return curve;
  return keep(
    slot,
    new Curve(
      memory.data<u64>([
        0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xfeffffffffffffff, 0x00000000ffffffff,
        0xffffffff00000000, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xdf2d37f4814d63c7,
        0x7aa7b048b20d1a58, 0x7329c5cc6a19ecec, 0xe4e73ee2a72f31b3, 0x192df8e36b058e98, 0x124181fe6e9c1d18,
        0x5a8713508f081403, 0x9dd12e8a8d3956c6, 0xef2aecd3edc8852a, 0x37058bbe22ca87aa, 0x74ad20f31ec7b18e,
        0x989ba78b623b1d6e, 0x382a5482e041f759, 0x6c2955bf5df20255, 0xb70a7672385e543a, 0x6f2c26964ade1736,
        0x29dc9292bf989e5d, 0x7c149a28bd1df4f8, 0xc0b8f0b51331dae9, 0x9d817e1dceb1600a, 0x5f0eea907c1d437a,
      ]),
      48,
    ),
  );
}

/** P-521. */
export function p521(): Curve {
  const slot = memory.data(4);
  const curve = kept<Curve>(slot);
  if (curve !== null) return curve;
  return keep(
    slot,
    new Curve(
      memory.data<u64>([
        0xffffffffffffff01, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff,
        0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffff01ffff, 0xffffffffffffffff,
        0xffffffffffffffff, 0xffffffffffffffff, 0x83878651faffffff, 0x4801cc7f6b962fbf, 0xb8c9b53bd0a509f7,
        0x1eb76fbbae479c89, 0x3e95510009643891, 0x9a921f9a1c8e61b9, 0xdaa2ee4085b6a021, 0xb4b8f315b3995b72,
        0x1956e109f18e9189, 0x52167b937eec5139, 0x733507bfb13bbdc0, 0x45eff1342c3d88df, 0xc600003f506bd41f,
        0xcde90404b7068e85, 0x42b4952366cb3e9e, 0x21b53f053981649c, 0xba3d4d6b60af28f8, 0x2859e7ef775e4ba1,
        0xdea8ffa227c11dfe, 0x9b426a85c1b34833, 0x66bde5c2317e7ef9, 0x3b9a786a29391801, 0x7d2cb45f8a5c04c0,
        0x9b574944f598d91b, 0x3e2717bdaf176844, 0xf45e9972ee972c66, 0xad3f01b950c54026, 0x72a286703c356107,
        0xd19f7694be8840c2, 0x0000000000005066,
      ]),
      66,
    ),
  );
}
