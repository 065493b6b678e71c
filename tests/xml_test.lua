-- XML: elements and texts, what is refused and where, and the way back; held against xmllint.

local fs, xml = orch.fs, orch.xml

local function names(list)
  local out = {}
  for i, element in ipairs(list) do out[i] = element.name end
  return out
end

describe("xml.decode", function()
  it("gives elements, attributes and texts", function()
    local root = xml.decode('<?xml version="1.0"?><!-- x --><a x="1&amp;2&#10;" y="">'
      .. "<b>t &lt;<!-- c --> u</b><![CDATA[<c>]]></a>")
    expect(root.name):equals "a"
    expect(root.attributes):equals { x = "1&2\n", y = "" }
    expect(#root):equals(2)
    expect(root[1][1]):equals "t < u"
    expect(root[2]):equals "<c>"
    expect(root:text()):equals "t < u<c>"
  end)

  it("leaves out what only sets elements apart", function()
    local text = "<a>\n  <b> </b>\n  <c/>\n  t\n</a>"
    local root = xml.decode(text)
    expect(#root):equals(3)
    expect({ root[1][1], root[3] }):equals { " ", "\n  t\n" }
    expect(#xml.decode(text, { spaces = true })):equals(5)
    expect(xml.decode "<a> </a>"[1]):equals " "
  end)

  it("finds elements", function()
    local root = xml.decode '<a><b n="1"/><b n="2"><c>x</c></b><x:b/></a>'
    expect(root:find "b".attributes.n):equals "1"
    expect(root:find "b/c":text()):equals "x"
    expect(root:find "x:b".name):equals "x:b"
    expect(root:find "c"):is_nil()
    expect(names(root:all "b")):equals { "b", "b" }
    expect(names(root:all "*/*")):equals { "c" }
    expect(function() return root.nam end):raises "did you mean 'name'"
    expect(function() return root.href end):raises "in `.attributes`"
    expect(function() root:find "" end):raises "usage"
  end)

  it("knows encodings", function()
    local latin = '<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>'
    expect(xml.decode(latin):text()):equals "\u{e9}"
    expect(xml.decode "\u{feff}<a>\u{e9}</a>":text()):equals "\u{e9}"
    expect(xml.decode "\255\254<\0a\0>\0\xe9\0<\0/\0a\0>\0":text()):equals "\u{e9}"
  end)

  it("expands what the text declares itself", function()
    local root = xml.decode '<!DOCTYPE a [<!ENTITY x "y<b/>">]><a z="&#x41;">&x;</a>'
    expect({ root[1], root[2].name, root.attributes.z }):equals { "y", "b", "A" }
  end)

  it("refuses what is not XML, at its line and column", function()
    for _, case in ipairs {
      { "", 1, 1, "ends before its element" }, { " \n", 2, 1, "ends before its element" },
      { "<a>", 1, 4, "ends before its element" },
      { "<a><b></a>", 1, 9, "not that of the element" },
      { "<a/>\n<b/>", 2, 1, "behind the end of the one element" },
      { "<a x=1/>", 1, 6, "well-formed" },
      { '<a x="1" x="2"/>', 1, 10, "duplicate attribute" }, { "<a>&b;</a>", 1, 4, "&amp;" },
      { "<a>\n b & c</a>", 2, 5, "&amp;" }, { "<a>\1</a>", 1, 4, "well-formed" },
      { "<a>\xff</a>", 1, 4, "encoding" }, { "x", 1, 1, "begins with '<'" },
      { '<?xml version="1.0" encoding="x-none"?><a/>', 1, 31, "unknown encoding" },
      { '<!DOCTYPE a [<!ENTITY x SYSTEM "/etc/passwd">]><a>&x;</a>', 1, 51, "'/etc/passwd'" },
      { '<!DOCTYPE a SYSTEM "x.dtd"><a>&foo;</a>', 1, 31, "'&foo;'" },
      { ("<a>"):rep(1001), 1, 3001, "1000 levels" }, { "<a>\0</a>", 1, 4, "well-formed" },
    } do
      local ok, err = pcall(xml.decode, case[1])
      if ok then error(("%q was accepted"):format(case[1])) end
      if err.kind ~= "xml" then error(err, 0) end
      expect(("%q %d:%d"):format(case[1]:sub(1, 60), err.line, err.column))
        :equals(("%q %d:%d"):format(case[1]:sub(1, 60), case[2], case[3]))
      expect(err.message):contains(case[4])
    end
    expect(function() xml.decode(7) end):raises "usage"
    expect(function() xml.decode("<a/>", { space = true }) end):raises "did you mean `spaces`"
  end)

  it("refuses entities that grow without end", function()
    local lines = { '<!DOCTYPE a [<!ENTITY a0 "lol">' }
    for i = 1, 12 do
      lines[#lines + 1] = ('<!ENTITY a%d "%s">'):format(i, ("&a%d;"):format(i - 1):rep(10))
    end
    local text = table.concat(lines) .. "]><a>&a12;</a>"
    expect(function() xml.decode(text) end):raises "grow without end"
    expect(function() xml.parse(text, {}) end):raises "grow without end"
  end)

  it("gives the same for any size of what is read at once", function()
    -- More than one chunk, with texts across their borders.
    local parts = { "<a>" }
    for i = 1, 3000 do
      parts[i + 1] = ('<b n="%d">%s</b>\n  '):format(i, ("text %d "):format(i):rep(i % 50))
    end
    local text = table.concat(parts) .. ("x"):rep(100000) .. "</a>"
    local root = xml.decode(text)
    expect(#root):equals(3001)
    for i = 1, 3000 do
      if root[i]:text() ~= ("text %d "):format(i):rep(i % 50) then error("element " .. i) end
    end
    expect(#root[3001]):equals(100003)
  end)
end)

describe("xml.parse", function()
  it("tells event by event, and the functions may wait", function()
    local seen = {}
    xml.parse('<a x="1">t&amp;u<b/>\n</a>', {
      start = function(name, attributes)
        orch.checkpoint()
        seen[#seen + 1] = "<" .. name .. (attributes.x or "")
      end,
      text = function(text) seen[#seen + 1] = text end,
      ending = function(name) seen[#seen + 1] = "/" .. name end,
    })
    expect(seen):equals { "<a1", "t&u", "<b", "/b", "\n", "/a" }
    xml.parse("<a/>", {})
    expect(function() xml.parse("<a>", {}) end):raises "xml"
    expect(function() xml.parse("<a/>", { stop = print }) end):raises "usage"
    expect(function() xml.parse("<a/>", { text = 1 }) end):raises "usage"
  end)

  it("ends where a function fails or is cancelled", function()
    expect(function() xml.parse("<a/>", { start = function() error "mine" end }) end):raises "mine"
    local task = orch.spawn({ hold = true }, xml.parse, "<a/>",
      { start = function() orch.sleep(60) end })
    orch.checkpoint()
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
  end)
end)

describe("xml.encode", function()
  it("escapes, sorts attributes, indents what has no text", function()
    local root = { name = "r", { name = "a", attributes = { z = 1, b = '"<&\n\t' } },
      { name = "c", "t<&>\r", { name = "d" } }, { name = "e", true, 1.5 } }
    expect(xml.encode(root)):equals('<r><a b="&quot;&lt;&amp;&#10;&#9;" z="1"/>'
      .. "<c>t&lt;&amp;&gt;&#13;<d/></c><e>true1.5</e></r>")
    root = { name = "r", { name = "a", { name = "b" } }, { name = "c", "t", { name = "d" } } }
    expect(xml.encode(root, { indent = 2, declaration = true })):equals [[
<?xml version="1.0" encoding="UTF-8"?>
<r>
  <a>
    <b/>
  </a>
  <c>t<d/></c>
</r>]]
  end)

  it("refuses what XML cannot say, with its place", function()
    local loop = { name = "a" }
    loop[1] = loop
    for words, element in pairs {
      ['"a b" as the name of an element in <r>'] = { name = "r", { name = "a b" } },
      ["nil as the name of an element"] = {},
      ['"1" as the name of an attribute in <r>'] = { name = "r", attributes = { ["1"] = 1 } },
      ["a function in <r/a>"] = { name = "r", { name = "a", print } },
      ["a table in <r>"] = { name = "r", attributes = { a = {} } },
      ["not UTF-8 in <r>"] = { name = "r", "\255" }, ["U+0001"] = { name = "r", "\1" },
      ["U+FFFF"] = { name = "r", "\u{ffff}" }, ["contains itself"] = loop,
    } do
      local err = expect(function() xml.encode(element) end):raises "xml"
      expect(err.message):contains(words)
    end
    expect(function() xml.encode "a" end):raises "usage"
    expect(function() xml.encode({ name = "a" }, { indent = 99 }) end):raises "0 to 16"
  end)
end)

local hard = { "", " ", "\n", "\t", "\r", "<", ">", "&", '"', "'", "]]>", "a", "\u{e9}",
  "\u{1F600}", "&amp;", "<!--", "\r\n", "\u{85}", "\u{2028}" }

local function random_text()
  local parts = {}
  for i = 1, math.random(0, 4) do parts[i] = hard[math.random(#hard)] end
  return table.concat(parts)
end

local function random_element(depth)
  local element = { name = ({ "a", "b:c", "_x", "\u{e9}.-1" })[math.random(4)], attributes = {} }
  for _ = 1, math.random(0, 2) do
    element.attributes[({ "k", "x:y", "z-1" })[math.random(3)]] = random_text()
  end
  for _ = 1, depth > 4 and 0 or math.random(0, 4) do
    local last = element[#element]
    local text = math.random() < 0.5 and random_text() or ""
    if text ~= "" and type(last) ~= "string" then
      element[#element + 1] = text
    else
      element[#element + 1] = random_element(depth + 1)
    end
  end
  return element
end

describe("a round trip", function()
  it("keeps any element, and xmllint reads it", function()
    local folder = fs.temp_dir()
    local paths = { "xmllint", "--noout" }
    for i = 1, 300 do
      local element = random_element(0)
      local text = xml.encode(element)
      expect(xml.decode(text, { spaces = true })):equals(element)
      if i <= 100 then
        paths[#paths + 1] = ("%s/%d.xml"):format(folder, i)
        -- Prefixes without a declaration are no error to expat, and one to xmllint's namespaces.
        fs.write(paths[#paths], (text:gsub("([bx]):([cy])", "%1%2")), { sync = false })
      end
    end
    local result = orch.process.run(paths)
    expect({ result.exit_code, result.stderr }):equals { 0, "" }
  end)

  it("gives the text that xmllint gives", function()
    local folder = fs.temp_dir()
    for i = 1, 20 do
      local element = random_element(0)
      local path = ("%s/%d.xml"):format(folder, i)
      fs.write(path, (xml.encode(element):gsub("([bx]):([cy])", "%1%2")), { sync = false })
      local seen = orch.process.run { "xmllint", "--xpath", "string(/*)", path }.stdout
      expect((seen:gsub("\n$", ""))):equals(xml.load(path, { spaces = true }):text())
    end
  end)

  it("agrees with xmllint about what is well-formed", function()
    local path, agreed = fs.temp_dir() .. "/x.xml", 0
    local source = '<a x="1">t &lt; <b y=\'2\'/><![CDATA[c]]><!-- d --></a>'
    for _ = 1, 60 do
      local at = math.random(#source)
      local text = source:sub(1, at - 1) .. ("<>&'\"ax=/!-]"):sub(math.random(12)):sub(1, 1)
        .. source:sub(at + math.random(0, 2))
      fs.write(path, text, { sync = false })
      local theirs = orch.process.run({ "xmllint", "--noout", path, check = false }).ok
      local mine = pcall(xml.decode, text)
      if theirs ~= mine then error(("%q: xmllint %s, orch %s"):format(text, theirs, mine)) end
      agreed = agreed + 1
    end
    expect(agreed):equals(60)
  end)
end)

describe("damage", function()
  it("gives an element or an Error, whatever the bytes", function()
    local source = '<?xml version="1.0" encoding="UTF-8"?>'
      .. '<!DOCTYPE a [<!ENTITY e "v"><!ENTITY f "&e;">]>'
      .. '<a x="1&lt;&f;">t &e; <b:c y=\'2\'/><![CDATA[c]]><!-- d --><?p q?>\u{e9}</a>'
    for _ = 1, 5000 do
      local text = source
      for _ = 1, math.random(1, 5) do
        local at = math.random(#text)
        text = text:sub(1, at - 1) .. string.char(math.random(0, 255))
          .. text:sub(at + math.random(0, 3))
      end
      local ok, value = pcall(xml.decode, text)
      if ok then
        xml.encode(value)
      elseif type(value) ~= "table" or value.kind ~= "xml" then
        error(("%q: %s"):format(text, value))
      end
    end
  end)
end)

describe("xml.load and xml.save", function()
  it("bring an element to a file and back, and name it", function()
    local path = fs.temp_dir() .. "/x.xml"
    xml.save(path, { name = "a", { name = "b", "t" } })
    expect(fs.read(path)):equals '<?xml version="1.0" encoding="UTF-8"?>\n<a>\n  <b>t</b>\n</a>\n'
    expect(xml.load(path):find "b":text()):equals "t"
    fs.write(path, "<a>\n<b></a>")
    local err = expect(function() xml.load(path) end):raises "xml"
    expect({ err.path, err.line }):equals { path, 2 }
    expect(err.message):contains "x.xml: line 2"
    expect(function() xml.save(path, {}) end):raises "x.xml: cannot encode"
    expect(function() xml.load(path .. ".gone") end):raises "os"
  end)
end)
