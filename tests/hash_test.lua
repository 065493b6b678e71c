-- orch.hash: the published vectors, parts, files, and what is refused.

local hash = require "orch.hash"

describe("hash", function()
  it("gives the published digests", function()
    expect(hash.md5 ""):equals("d41d8cd98f00b204e9800998ecf8427e")
    expect(hash.md5 "abc"):equals("900150983cd24fb0d6963f7d28e17f72")
    expect(hash.sha1 "abc"):equals("a9993e364706816aba3e25717850c26c9cd0d89d")
    expect(hash.sha256 "abc"):equals(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    expect(hash.sha512 "abc"):equals(
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
      .. "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f")
    expect(hash.sha256 "a\0b").never:equals(hash.sha256 "a")
  end)

  it("gives the HMACs of RFC 4231", function()
    expect(hash.hmac("sha256", ("\x0b"):rep(20), "Hi There")):equals(
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
    expect(hash.hmac("sha256", "Jefe", "what do ya want for nothing?")):equals(
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    expect(hash.hmac("md5", "", "")):equals("74e6f7298a9c2d168935f58c001bad88")
    expect(hash.hex(hash.hmac("sha1", "k", "t", { raw = true })))
      :equals(hash.hmac("sha1", "k", "t"))
  end)

  it("takes text in parts", function()
    local running = hash.new "sha256"
    running:update("a"):update(""):update("bc")
    expect(running:digest()):equals(hash.sha256 "abc")
    expect(function() running:digest() end):raises("usage")
    expect(function() running:update "x" end):raises("taken already")
  end)

  it("writes bytes as digits and base64", function()
    expect(hash.hex "\0\xff a"):equals("00ff2061")
    for text, encoded in pairs {
      [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foobar = "Zm9vYmFy",
      ["\xff\xfe\0"] = "//4A",
    } do
      expect(hash.base64(text)):equals(encoded)
      expect(hash.unhex(hash.hex(text))):equals(text)
    end
    expect(hash.unhex "DeadBEEF"):equals("\xde\xad\xbe\xef")
    expect(function() hash.unhex "abc" end):raises("usage")
    expect(function() hash.unhex "zz" end):raises("usage")
  end)

  it("refuses what it cannot digest", function()
    expect(function() hash.md5(nil) end):raises("hash.md5: argument 1")
    expect(function() hash.sha256 {} end):raises("usage")
    expect(function() hash.hmac("sha255", "k", "t") end):raises("did you mean 'sha256'")
    expect(function() hash.hmac("md5", "k") end):raises("argument 3")
    expect(function() hash.new "crc" end):raises("md5, sha1, sha256 or sha512")
    expect(function() return hash.sha3 end):raises("usage")
    expect(function() hash.hmac("md5", "k", "t", { hex = true }) end):raises("usage")
  end)
end)

describe("the digest of a file", function()
  local core = require "orch.core.hash"
  local path

  before_each(function()
    path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(("0123456789abcdef"):rep(100000))
    file:close()
  end)
  after_each(function() os.remove(path) end)

  it("is that of its text", function()
    expect(core.file("sha256", path))
      :equals(hash.sha256(("0123456789abcdef"):rep(100000)))
    local empty = assert(io.open(path, "wb"))
    empty:close()
    expect(core.file("md5", path)):equals(hash.md5 "")
  end)

  it("is that of a part of it", function()
    expect(core.file("md5", path, 3, 16)):equals(hash.md5 "3456789abcdef012")
    expect(core.file("md5", path, 0, 300000)):equals(hash.md5(("0123456789abcdef"):rep(18750)))
    expect(core.file("md5", path, 1599999, 100)):equals(hash.md5 "f")
    expect(core.file("md5", path, 5, 0)):equals(hash.md5 "")
    expect(core.file("md5", path, 1 << 40, 5)):equals(hash.md5 "")
    expect(function() core.file("md5", path, -1, 5) end):raises("below 0")
  end)

  it("fails for what cannot be read", function()
    local err = expect(function() core.file("md5", path .. ".gone") end):raises("os")
    expect({ err.code, err.path }):equals { "ENOENT", path .. ".gone" }
    expect(function() core.file("md4", path) end):raises("usage")
    expect(function() core.file("md5", "/") end):raises { kind = "os", code = "EISDIR" }
  end)

  it("is not begun when cancelled before", function()
    local task = orch.spawn(core.file, "md5", path)
    task:cancel("early")
    expect(function() task:await() end):raises("cancelled")
  end)

  it("stops when cancelled in flight, also on an endless file", function()
    local task = orch.spawn(core.file, "sha512", "/dev/zero")
    orch.checkpoint()
    task:cancel("enough")
    expect(function() task:await() end):raises("cancelled")
    expect(function() orch.wait_for(core.file, "20ms", "md5", "/dev/zero") end)
      :raises("timeout")
  end)

  it("works in a worker thread, but for files", function()
    expect(orch.thread(function(text)
      return require("orch.hash").md5(text)
    end, "abc")):equals(hash.md5 "abc")
  end)
end)
