-- Mail by SMTP to a real server, and read again by somebody else's parser.

local fs, notify = orch.fs, orch.notify
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local smtp = dofile(here .. "/helper/smtp.lua")
local certificates = dofile(here .. "/helper/certificates.lua")

local function mail_to(server, more)
  local o = { server = server.url, from = "Build <build@example.com>", to = "ann@example.com",
    retry = { attempts = 3, base = 0.001 } }
  for key, value in pairs(more or {}) do o[key] = value end
  return notify.email(o)
end

describe("notify.email", function()
  it("sends text and HTML in UTF-8, and attachments, byte for byte", function()
    local server <close> = smtp.start()
    local dir = test.temp_dir()
    local bytes = ""
    for i = 0, 255 do bytes = bytes .. string.char(i) end
    fs.write(dir .. "/größe.bin", bytes:rep(100))
    local box = mail_to(server, { to = { "Ann Ö <ann@example.com>", '"Doe, Joe" <joe@example.com>' },
      from = ("Ännchen von Tharau, "):rep(3) .. "Build <build@example.com>",
      cc = ("the whole team "):rep(20) .. "<eve@example.com>", bcc = { "boss@example.com" }, reply_to = "qa@example.com" })
    local long = ("wort für wort "):rep(40)
    box:post { title = "Großer Build ✅ " .. ("sehr langer Titel "):rep(6), color = "good",
      text = "line\n.\n..dots\r\nFrom x\n" .. long .. "\ntrailing \n= äöü <b>", fields = { { "A", 1 } },
      link = "https://host/a?b&c", files = { dir .. "/größe.bin" } }
    local mail = server:mail(1)
    expect(mail.from):equals "build@example.com"
    expect(mail.to):equals { "ann@example.com", "joe@example.com", "eve@example.com",
      "boss@example.com" }
    expect(mail.text).never:contains "boss@"
    for line in mail.text:gmatch "(.-)\r\n" do if #line > 78 then expect(line):equals "" end end
    expect(mail.text).never:matches "[^\r]\n"
    local read = mail.read
    expect(read.defects):equals {}
    expect(read.headers.to):equals 'Ann Ö <ann@example.com>, "Doe, Joe" <joe@example.com>'
    expect(read.headers.subject):matches "^Großer Build ✅ sehr langer Titel"
    expect(read.headers.from):contains "Build\" <build@example.com>"
    expect(read.headers.cc):matches "^\"?the whole team the .* <eve@example.com>$"
    expect(read.headers["reply-to"]):equals "qa@example.com"
    expect(read.headers["auto-submitted"]):equals "auto-generated"
    local mixed = read.body.parts
    expect((mixed[1].parts[1].text:gsub("\r\n", "\n"))):contains("line\n.\n..dots\nFrom x\n" .. long .. "\ntrailing \n= äöü <b>")
    expect(mixed[1].parts[2].type):equals "text/html"
    expect(mixed[1].parts[2].text):contains "äöü &lt;b&gt;"
    expect(mixed[2].name):equals "größe.bin"
    expect(mixed[2].bytes):equals(orch.hash.hex(bytes:rep(100)))
  end)

  it("answers in a thread, and cannot change what was sent", function()
    local server <close> = smtp.start()
    local box = mail_to(server)
    local first = box:post { title = "Build", text = "started" }
    local kept = orch.json.decode(orch.json.encode(first))
    local second = box:message(kept):reply "half of it"
    second:reply "done"
    local one, two, three = server:mail(1).read.headers, server:mail(2).read.headers,
      server:mail(3).read.headers
    expect(two["in-reply-to"]):equals(one["message-id"])
    expect(two.subject):equals "Re: Build"
    expect(three["in-reply-to"]):equals(two["message-id"])
    expect(three.references):equals(one["message-id"] .. " " .. two["message-id"])
    expect(three.subject):equals "Re: Build"
    expect(function() first:update "x" end):raises "usage"
    kept.id = "<x@y>\r\nBcc: eve@example.com"
    expect(function() box:message(kept):reply "x" end):raises "usage"
  end)

  it("logs in over STARTTLS, and over TLS from the first byte", function()
    local dir = test.temp_dir()
    certificates.make(dir)
    local pair, login = { dir .. "/good.pem", dir .. "/good.key" }, { "build", "s3cret-of-mail" }
    do
      local server <close> = smtp.start { starttls = pair, auth = login }
      mail_to(server, { starttls = true, user = login[1], password = login[2],
        http = { ca = dir .. "/ca.pem" } }):post "hello"
      expect(server:mail(1).tls):equals(true)
      expect(server:mail(1).user):equals "build"
      local err = expect(function()
        mail_to(server, { starttls = true, user = "build", password = "wrong-password",
          http = { ca = dir .. "/ca.pem" } }):post "hello"
      end):raises "auth"
      expect(err.message):contains "email: cannot send to ann@example.com: the server says 535"
      expect(err.message).never:contains "wrong-password"
      expect(function()
        mail_to(server, { starttls = true, http = { ca = dir .. "/ca.pem" } }):post "hello"
      end):raises "auth"
      expect(function() mail_to(server, { starttls = true }):post "x" end):raises "tls"
    end
    local server <close> = smtp.start { tls = pair }
    mail_to(server, { http = { ca = dir .. "/ca.pem" } }):post "hello"
    expect(server:mail(1).tls):equals(true)
  end)

  it("says no more where the server offers no encryption", function()
    local server <close> = smtp.start()
    local err = expect(function() mail_to(server, { starttls = true }):post "x" end):raises "tls"
    expect(err.message):contains "offers no encryption (STARTTLS)"
    expect(server:mail(1)):is_nil()
  end)

  it("repeats the server's words about a recipient", function()
    local server <close> = smtp.start { refuse = { "gone@example.com" }, later = { "ann@example.com" } }
    mail_to(server):post "grey-listed once"
    expect(server:mail(1).to):equals { "ann@example.com" }
    local err = expect(function() mail_to(server, { to = "gone@example.com" }):post "x" end)
      :raises "rejected"
    expect(err.recipient):equals "gone@example.com"
    expect(err.message):equals("email: cannot send to gone@example.com: the server refuses the "
      .. "recipient: 550 5.1.1 <gone@example.com>: Recipient address rejected: User unknown")
    expect(err.retryable):equals(false)
    expect(server:mail(2)):is_nil()
  end)

  it("reaches the others where the server refuses one, and says whom it did not", function()
    local server <close> = smtp.start { refuse = { "gone@example.com", "left@example.com" },
      later = { "joe@example.com", "zoe@example.com" } }
    local box = mail_to(server, { to = { "gone@example.com", "ann@example.com" },
      cc = { "joe@example.com", "left@example.com", "eve@example.com" } })
    local said = {}
    local sink = orch.log.sink(function(record) said[#said + 1] = record.message end)
    local _ <close> = orch.defer(function() orch.log.sink(sink) end)
    local sent = box:post "x"
    expect(server:mail(1).to):equals { "ann@example.com", "eve@example.com" }
    expect(server:mail(2).to):equals { "joe@example.com" }
    expect(server:mail(3)):is_nil()
    expect(server:mail(1).read.headers["message-id"]):equals(
      server:mail(2).read.headers["message-id"])
    expect(sent.refused[1]):equals { recipient = "gone@example.com",
      reply = "550 5.1.1 <gone@example.com>: Recipient address rejected: User unknown" }
    expect(sent.refused[2].recipient):equals "left@example.com"
    expect(#sent.refused):equals(2)
    expect(#said):equals(1)
    expect(said[1]):contains "refuses 2 of 5 recipients, and the others have got it: gone@example.com: 550"
    local err = expect(function()
      mail_to(server, { to = { "gone@example.com", "left@example.com" } }):post "x"
    end):raises "rejected"
    expect(err.message):contains "the server refuses all recipients, the last one: 550"
    box = mail_to(server, { to = { "ann@example.com", "zoe@example.com" }, retry = false })
    expect(box:post("x").refused[1].reply):contains "451"
    expect(server:mail(3).to):equals { "ann@example.com" }
  end)

  it("refuses what would end a header", function()
    local server <close> = smtp.start()
    local box = mail_to(server)
    for _, bad in ipairs { "x\r\nBcc: eve@example.com", "x\nBcc: eve@example.com", "x\0" } do
      expect(function() box:post { title = bad, text = "x" } end):raises "usage"
      expect(function() box:post { subject = bad, text = "x" } end):raises "usage"
      expect(function() mail_to(server, { from = bad .. " <a@b.c>" }) end):raises "usage"
      expect(function() mail_to(server, { to = "a@b.c" .. bad }) end):raises "usage"
      expect(function() mail_to(server, { server = server.url .. "/" .. bad }) end):raises "usage"
    end
    for _, bad in ipairs { "nobody", "a b@c.d", "a@b@c", "a@b.c>", "<>", "ö@b.c", "a@b.c, d@e.f" } do
      expect(function() mail_to(server, { to = bad }) end):raises "usage"
    end
    local path = test.temp_dir() .. "/a\nb"
    fs.write(path, "x")
    expect(function() box:post { text = "x", files = { path } } end):raises "usage"
    expect(server:mail(1)):is_nil()
  end)

  it("says who did not answer", function()
    local box = notify.email { server = "smtp://127.0.0.1:9", from = "a@b.c", to = "d@e.f",
      retry = false }
    local err = expect(function() box:post "x" end):raises "network"
    expect(err.message):equals "email: cannot send to d@e.f: cannot connect to 127.0.0.1:9: connection refused"
    expect(function() notify.email { server = "mail.example.com", from = "a@b.c", to = "d@e.f" } end)
      :raises "usage"
    expect(function()
      notify.email { server = "smtp://u:p@host", from = "a@b.c", to = "d@e.f" }
    end):raises "usage"
  end)

  it("ends when its task is cancelled", function()
    local server = dofile(here .. "/helper/server.lua")
    local box = notify.email { server = "smtp://127.0.0.1:" .. server.port "silent",
      from = "a@b.c", to = "d@e.f" }
    local ok = orch.move_on_after("50ms", box.post, box, "x")
    expect(ok):equals(false)
  end)
end)
