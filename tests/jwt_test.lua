-- orch.jwt: the vectors of RFC 7515 (appendix A.2, A.3), the openssl command as a second
-- opinion, forged and outdated tokens, and keys that are none.

local fs = require "orch.fs"
local hash = require "orch.hash"
local json = require "orch.json"
local jwt = require "orch.jwt"
local process = require "orch.process"

local RSA = fs.read "tests/data/jwt/rfc7515_a2.pem"
local EC = fs.read "tests/data/jwt/rfc7515_a3.pem"

local PAYLOAD = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc"
  .. "19yb290Ijp0cnVlfQ"
local A2 = "eyJhbGciOiJSUzI1NiJ9." .. PAYLOAD .. "."
  .. "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
  .. "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb"
  .. "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO"
  .. "YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
local A3 = "eyJhbGciOiJFUzI1NiJ9." .. PAYLOAD .. "."
  .. "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
local THEN = 1300819000 -- before they expired

local function openssl(...)
  return process.run({ "openssl", ... }).stdout
end

--- The key as another kind of PEM: openssl("pkey", "-in", file, ...).
local function converted(pem, command, ...)
  local file = fs.temp_file()
  fs.write(file, pem)
  return openssl(command, "-in", file, ...)
end

local function rsa(bits)
  return openssl("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:" .. bits)
end

local function sign_with(key, algorithm)
  return function() jwt.sign({ iss = "x" }, { algorithm = algorithm, key = key }) end
end

local function verify(token, key, algorithm, opts)
  local o = { algorithm = algorithm, key = key, now = THEN }
  for name, value in pairs(opts or {}) do o[name] = value end
  return jwt.verify(token, o)
end

local function fails(reason, ...)
  local args = table.pack(...)
  return expect(function() verify(table.unpack(args, 1, args.n)) end)
    :raises { kind = "jwt", reason = reason }
end

describe("jwt", function()
  it("verifies the tokens of RFC 7515", function()
    for token, key in pairs { [A2] = RSA, [A3] = EC } do
      local algorithm = token == A2 and "RS256" or "ES256"
      local claims, headers = verify(token, key, algorithm)
      expect(claims):equals { iss = "joe", exp = 1300819380, ["http://example.com/is_root"] = true }
      expect(headers):equals { alg = algorithm }
      local public = converted(key, "pkey", "-pubout")
      expect(public):contains "BEGIN PUBLIC KEY"
      expect(verify(token, public, algorithm).iss):equals "joe"
    end
  end)

  it("verifies by the longest RSA key that OpenSSL has, of 16,384 bits", function()
    local token = fs.read("tests/data/jwt/rsa16384.jwt"):match "%S+"
    expect(verify(token, fs.read "tests/data/jwt/rsa16384.pem", "RS256")):equals { iss = "joe" }
  end)

  it("signs as RFC 7515 does, byte for byte", function()
    -- RS256 has one signature for a text; the payload of A.2 has line breaks of its own, so the
    -- bytes are compared through the part below.
    local core = require "orch.core.jwt"
    local text, signature = A2:match "^(.*)%.(.-)$"
    expect(hash.base64url(core.sign("RS256", RSA, text))):equals(signature)
  end)

  it("gives what it took", function()
    local claims = { iss = "me@x", iat = THEN, exp = THEN + 600, list = { 1, 2 }, text = "ü\n" }
    for key, algorithm in pairs { [RSA] = "RS256", [EC] = "ES256" } do
      local token = jwt.sign(claims, { algorithm = algorithm, key = key, headers = { kid = "K1" } })
      local got, headers = verify(token, key, algorithm)
      expect(got):equals(claims)
      expect(headers):equals { alg = algorithm, typ = "JWT", kid = "K1" }
      expect(token).never:matches "[+/=]"
      local again, headers_again = jwt.decode(token)
      expect(again):equals(claims)
      expect(headers_again):equals(headers)
    end
    local nothing = jwt.sign({}, { algorithm = "ES256", key = EC })
    expect(nothing):contains(".e30.")
    expect(next((verify(nothing, EC, "ES256")))):is_nil()
  end)

  it("has 64 bytes in every signature of ES256", function()
    for i = 1, 60 do
      local token = jwt.sign({ jti = i }, { algorithm = "ES256", key = EC })
      expect(#hash.unbase64(token:match "[^.]*$")):equals(64)
      expect(verify(token, EC, "ES256").jti):equals(i)
    end
  end)

  it("signs what the openssl command verifies", function()
    local token = jwt.sign({ iss = "x" }, { algorithm = "RS256", key = RSA })
    local text, signature = token:match "^(.*)%.(.-)$"
    local folder = fs.temp_dir()
    fs.write(folder .. "/public.pem", converted(RSA, "pkey", "-pubout"))
    fs.write(folder .. "/text", text)
    fs.write(folder .. "/signature", hash.unbase64(signature))
    expect(openssl("dgst", "-sha256", "-verify", folder .. "/public.pem", "-signature",
      folder .. "/signature", folder .. "/text")):contains "Verified OK"
    -- And the other way round.
    fs.write(folder .. "/private.pem", RSA)
    openssl("dgst", "-sha256", "-sign", folder .. "/private.pem", "-out", folder .. "/theirs",
      folder .. "/text")
    expect(verify(text .. "." .. hash.base64url(fs.read(folder .. "/theirs")), RSA, "RS256").iss)
      :equals "x"
  end)

  it("takes PKCS#8, PKCS#1 and SEC1", function()
    local pkcs1 = converted(RSA, "pkey", "-traditional")
    local sec1 = converted(EC, "pkey", "-traditional")
    expect(pkcs1):contains "BEGIN RSA PRIVATE KEY"
    expect(sec1):contains "BEGIN EC PRIVATE KEY"
    expect(sign_with(pkcs1, "RS256")):succeeds()
    expect(sign_with(sec1, "ES256")):succeeds()
    expect(sign_with("\r\n" .. EC:gsub("\n", "\r\n"), "ES256")):succeeds()
    expect(sign_with("Bag Attributes\n  friendlyName: x\n" .. EC, "ES256")):succeeds()
  end)
end)

describe("jwt refuses", function()
  it("a token that was tampered with", function()
    for token, key in pairs { [A2] = RSA, [A3] = EC } do
      local algorithm = token == A2 and "RS256" or "ES256"
      local head, _, signature = token:match "^(.*)%.(.*)%.(.*)$"
      local richer = hash.base64url(json.encode { iss = "jane", exp = 1300819380 })
      fails("signature", head .. "." .. richer .. "." .. signature, key, algorithm)
      local bytes = hash.unbase64(signature)
      for _, i in ipairs { 1, #bytes // 2, #bytes } do
        local flipped = bytes:sub(1, i - 1) .. string.char(bytes:byte(i) ~ 1) .. bytes:sub(i + 1)
        fails("signature", head .. "." .. PAYLOAD .. "." .. hash.base64url(flipped), key, algorithm)
      end
      for _, other in ipairs { "", bytes:sub(1, -2), bytes .. "\0", ("\0"):rep(64),
        ("x"):rep(5000) } do
        fails("signature", head .. "." .. PAYLOAD .. "." .. hash.base64url(other), key, algorithm)
      end
    end
  end)

  it("a signature by another key", function()
    local other = openssl("genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt",
      "ec_paramgen_curve:P-256")
    fails("signature", A3, other, "ES256")
  end)

  it("another algorithm than the one it was told", function()
    local function forged(alg, signature)
      return hash.base64url(json.encode { alg = alg }) .. "." .. PAYLOAD .. "." .. signature
    end
    fails("algorithm", forged("none", ""), RSA, "RS256")
    fails("algorithm", forged("None", ""), RSA, "RS256")
    -- The public key as the secret of an HMAC, which everybody could compute.
    local public = converted(RSA, "pkey", "-pubout")
    local text = hash.base64url(json.encode { alg = "HS256" }) .. "." .. PAYLOAD
    local mac = hash.hmac("sha256", public, text, { raw = true })
    fails("algorithm", text .. "." .. hash.base64url(mac), public, "RS256")
    fails("algorithm", A3, RSA, "RS256")
    fails("algorithm", forged(json.null, ""), RSA, "RS256")
    expect(function() jwt.verify(A2, { algorithm = "none", key = RSA }) end):raises("usage")
    expect(function() jwt.verify(A2, { algorithm = "HS256", key = RSA }) end)
      :raises([["RS256" or "ES256"]])
    expect(function() jwt.verify(A2, { key = RSA }) end):raises("usage")
  end)

  it("a token before and after its time, with leeway", function()
    local function token(claims) return jwt.sign(claims, { algorithm = "ES256", key = EC }) end
    local old = token { exp = THEN }
    fails("expired", old, EC, "ES256")
    fails("expired", old, EC, "ES256", { now = THEN + 60, leeway = 60 })
    verify(old, EC, "ES256", { now = THEN + 59, leeway = "1m" })
    verify(old, EC, "ES256", { now = THEN - 1 })
    for _, name in ipairs { "nbf", "iat" } do
      local early = token { [name] = THEN + 30 }
      local err = fails("not yet valid", early, EC, "ES256")
      expect(err.message):contains(("its `%s` is 30 s in the future"):format(name))
      fails("not yet valid", early, EC, "ES256", { leeway = 29 })
      verify(early, EC, "ES256", { leeway = 30 })
    end
    for _, claims in ipairs { { exp = THEN + 60 }, { nbf = THEN - 60 } } do
      expect(function() verify(token(claims), EC, "ES256", { now = 0 / 0 }) end):raises("jwt")
    end
    fails("malformed", token { exp = "tomorrow" }, EC, "ES256")
    expect(function() jwt.verify(old, { algorithm = "ES256", key = EC }) end)
      :raises { kind = "jwt", reason = "expired" } -- by the clock
  end)

  it("what is no token", function()
    local good = hash.base64url '{"alg":"ES256"}'
    for _, token in ipairs {
      "", "x", "..", "a.b", good .. "." .. PAYLOAD, A3 .. ".x", A3 .. "=", A3:gsub("%-", "+", 1),
      A3 .. "\n", good .. ".W10.c2ln", good .. ".bnVsbA.c2ln", "W10." .. PAYLOAD .. ".c2ln",
      hash.base64url '{"alg":"ES256"' .. "." .. PAYLOAD .. ".c2ln",
      hash.base64url '{"alg":"ES256","crit":["exp"]}' .. "." .. PAYLOAD .. ".c2ln",
    } do
      fails("malformed", token, EC, "ES256")
    end
    expect(function() jwt.decode "a.b" end):raises { kind = "jwt", reason = "malformed" }
    expect(function() jwt.decode(nil) end):raises("usage")
  end)

  it("a key that is none, with a sentence that has no part of it", function()
    local damaged = RSA:gsub("\nMII", "\nM@@", 1)
    for key, words in pairs {
      [""] = "it is empty", ["AuthKey_2X9R4HXF34.p8"] = "orch.fs.read",
      ['{"private_key": "x"}'] = "private_key", [damaged] = "BEGIN and END",
      [RSA:sub(1, 800)] = "BEGIN and END",
      [RSA:gsub("\n", "\\n")] = "written as \\n", [RSA:gsub("\n", " ")] = "line breaks are lost",
      [openssl("pkey", "-in", "tests/data/jwt/rfc7515_a3.pem", "-outform", "DER")] = "binary",
      [("x\n"):rep(300)] = "should begin with",
      ["-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"] = "certificate",
    } do
      local err = expect(sign_with(key, "RS256")):raises { kind = "usage" }
      expect(err.message):contains "is no key in PEM"
      expect(err.message):contains(words)
      expect(err.message).never:contains(RSA:sub(40, 60))
      if #key > 20 then expect(err.message).never:contains(key:sub(1, 20)) end
    end
    expect(sign_with(nil, "RS256")):raises("`key` is missing")
    expect(sign_with(7, "RS256")):raises("usage")
  end)

  it("a key of the wrong type, curve, length or side", function()
    expect(sign_with(EC, "RS256")):raises("wrong type %(EC prime256v1%); RS256 needs an RSA key")
    expect(sign_with(RSA, "ES256")):raises("wrong type %(RSA, 2048 bits%); ES256 needs an EC key")
    local p384 = openssl("genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt",
      "ec_paramgen_curve:P-384")
    expect(sign_with(p384, "ES256")):raises("wrong curve %(EC secp384r1%)")
    expect(sign_with(openssl("genpkey", "-algorithm", "ED25519"), "ES256")):raises("ED25519")
    expect(sign_with(rsa(1024), "RS256")):raises("too short %(RSA, 1024 bits%)")
    expect(sign_with(converted(RSA, "pkey", "-pubout"), "RS256")):raises("is a public key")
    expect(function() verify(A2, EC, "RS256") end):raises("usage")
  end)

  it("an encrypted key, without asking for the passphrase", function()
    for kind, mark in pairs {
      ["-aes128"] = "BEGIN ENCRYPTED PRIVATE KEY", ["-traditional"] = "Proc-Type: 4,ENCRYPTED",
    } do
      local pem = converted(RSA, "rsa", "-aes128", kind, "-passout", "pass:sesame")
      expect(pem):contains(mark)
      expect(sign_with(pem, "RS256")):raises("encrypted with a passphrase")
    end
  end)

  it("claims and headers that are none", function()
    local opts = { algorithm = "ES256", key = EC }
    expect(function() jwt.sign({ "a" }, opts) end):raises("claims by name")
    expect(function() jwt.sign("a", opts) end):raises("usage")
    expect(function() jwt.sign({ f = print }, opts) end):raises("json")
    expect(function()
      jwt.sign({}, { algorithm = "ES256", key = EC, headers = { alg = "none" } })
    end):raises("header `alg`")
    expect(function() jwt.sign({}, { algorithm = "ES256", key = EC, kid = "x" }) end)
      :raises("usage")
    expect(function() jwt.sign({}) end):raises("usage")
  end)
end)

describe("hash", function()
  it("writes base64 for URLs and reads both", function()
    for text, encoded in pairs {
      [""] = "", f = "Zg", fo = "Zm8", foo = "Zm9v", ["\xff\xfe\0"] = "__4A", ["\xfb\xef"] = "--8",
    } do
      expect(hash.base64url(text)):equals(encoded)
      expect(hash.unbase64(encoded)):equals(text)
      expect(hash.unbase64(hash.base64(text))):equals(text)
    end
    for _, text in ipairs { "Z", "Zg=", "Zg===", "Zh==", "Z g=", "Zm9v\n", "=", "====", "Zm9=v" } do
      expect(function() hash.unbase64(text) end):raises("usage")
    end
  end)

  it("leaves other digests alone after a key that was wrong", function()
    pcall(sign_with("-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----", "RS256"))
    expect(hash.sha1 "abc"):equals("a9993e364706816aba3e25717850c26c9cd0d89d")
    local core = require "orch.core.jwt"
    for i = 0, #RSA, 97 do core.sign("RS256", RSA:sub(1, i), "x") end
    expect(sign_with(RSA, "RS256")):succeeds()
  end)
end)
