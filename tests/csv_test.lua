-- CSV: rows, what is refused and in which line, and the way back; held against Python's module.

local csv, fs, json = orch.csv, orch.fs, orch.json

describe("csv.decode", function()
  it("gives rows by the names of their columns", function()
    local rows, columns = csv.decode "a,b\n1,2\n3,\n"
    expect(rows):equals { { a = "1", b = "2" }, { a = "3", b = "" } }
    expect(columns):equals { "a", "b" }
    expect(csv.decode("1,2\n", { header = { "x", "y" } })):equals { { x = "1", y = "2" } }
    expect(csv.decode("1,2\n3,4", { header = false })):equals { { "1", "2" }, { "3", "4" } }
    rows, columns = csv.decode ""
    expect(rows):equals {}
    expect(columns):is_nil()
    expect(select(2, csv.decode "a,b")):equals { "a", "b" }
  end)

  it("knows quotes, line ends, a byte order mark, and keeps spaces", function()
    local rows = csv.decode '\u{feff}a,b\r\n"x\r\ny","q""q"\r\n\r\n , z \r"",\n'
    expect(rows):equals { { a = "x\r\ny", b = 'q"q' }, { a = " ", b = " z " }, { a = "", b = "" } }
    expect(csv.decode("a;b\n'1;2';3\n", { separator = ";", quote = "'" }))
      :equals { { a = "1;2", b = "3" } }
    expect(csv.decode('a\t5" disk\n', { separator = "\t", quote = false, header = false }))
      :equals { { "a", '5" disk' } }
  end)

  it("refuses what is wrong, with its line", function()
    for _, case in ipairs {
      { "a,b\n1\n", 2, "the row has 1 field, but the columns are 2" },
      { "a,b\n\n\n1,2,3\n", 4, "the row has 3 fields" },
      { 'a,b\n"1\n2",3\n\n4\n', 5, "the row has 1 field" },
      { 'a,b\r\n"1\r\n2",3\r\n4\r\n', 4, "the row has 1 field" },
      { "a,b\r1,2\r3\r", 3, "the row has 1 field" },
      { 'a,b\n1,x"y\n', 2, "a quote within a field", 4 },
      { 'a,b\n"x"y,1\n', 2, "behind a closing quote", 4 },
      { 'a,b\n1,2\n"x\ny\n', 3, "is never closed" },
      { "a,b,a\n", 1, "two columns have the name 'a'" }, { "a,,b\n", 1, "column 2 has no name" },
      { "a,b\n1,\0\n", 2, "a NUL byte", 3 },
    } do
      local err = expect(function() csv.decode(case[1]) end):raises "csv"
      expect(("%q %d %s"):format(case[1], err.line, err.column))
        :equals(("%q %d %s"):format(case[1], case[2], case[4]))
      expect(err.message):contains(case[3])
    end
    local err = expect(function() csv.decode("1,2\n3", { header = false }) end):raises "csv"
    expect(err.message):equals "line 2: the row has 1 field, but the first row has 2"
  end)

  it("takes rows of any length where it is told to", function()
    expect(csv.decode("a,b\n1,2,3,4\n5\n", { ragged = true }))
      :equals { { a = "1", b = "2", "3", "4" }, { a = "5" } }
    expect(csv.decode("1\n2,3\n", { ragged = true, header = false }))
      :equals { { "1" }, { "2", "3" } }
  end)

  it("checks its options", function()
    for words, opts in pairs {
      ["one byte"] = { separator = "::" }, ["the same"] = { separator = '"' },
      ["or false"] = { quote = true }, ["did you mean `separator`"] = { seperator = ";" },
      ["two columns"] = { header = { "a", "a" } }, ["a string, not"] = { header = { 1 } },
    } do
      local err = expect(function() csv.decode("a", opts) end):raises "usage"
      expect(err.message):contains(words)
    end
    expect(function() csv.decode() end):raises "usage"
  end)
end)

describe("csv.encode", function()
  it("writes a header and quotes what has to be", function()
    expect(csv.encode { { a = 1, b = "x,y" }, { b = 'q"', c = 0.1 }, { a = true, c = json.null } })
      :equals 'a,b,c\n1,"x,y",\n,"q""",0.1\ntrue,,\n'
    expect(csv.encode({ { a = 1, b = 2 } }, { columns = { "b", "a" }, newline = "\r\n" }))
      :equals "b,a\r\n2,1\r\n"
    expect(csv.encode({ { a = 1 } }, { header = false })):equals "1\n"
    expect(csv.encode { { 1, "a\nb" }, { "", "" } }):equals '1,"a\nb"\n,\n'
    expect(csv.encode({ { "a;b", "c,d" } }, { separator = ";" })):equals '"a;b";c,d\n'
    expect(csv.encode({ { 1, 2 } }, { columns = { "x", "y" } })):equals "x,y\n1,2\n"
    expect(csv.encode { { "" }, { "x" } }):equals '""\nx\n'
    expect(csv.encode {}):equals ""
  end)

  it("refuses what a field cannot be", function()
    local err = expect(function() csv.encode { { a = 1 }, { a = {} } } end):raises "csv"
    expect(err.message):equals "cannot encode a table in row 2"
    expect(err.row):equals(2)
    expect(function() csv.encode { { "\0" } } end):raises "NUL"
    expect(function() csv.encode { 1 } end):raises "row 1 should be a table"
    expect(function() csv.encode({}, { newline = "x" }) end):raises "newline"
    expect(function() csv.encode({}, { columns = { "a", "a" } }) end):raises "two columns"
  end)
end)

local hard = { "", " ", "a", ",", ";", '"', '""', "\n", "\r\n", "\r", "\t", "\u{e9}",
  "\u{feff}", "'", "=1+1", "a b", " x ", '"a"', "\\" }

local function random_rows()
  local rows, columns = {}, math.random(1, 5)
  for i = 1, math.random(1, 6) do
    rows[i] = {}
    for c = 1, columns do
      local parts = {}
      for p = 1, math.random(0, 3) do parts[p] = hard[math.random(#hard)] end
      rows[i][c] = table.concat(parts)
    end
  end
  return rows
end

describe("a round trip", function()
  it("keeps any rows", function()
    for _ = 1, 1000 do
      local rows = random_rows()
      local opts = { separator = ({ ",", ";", "\t", "|" })[math.random(4)], header = false }
      local text = csv.encode(rows, { separator = opts.separator,
        newline = math.random() < 0.5 and "\r\n" or "\n" })
      expect(csv.decode(text, opts)):equals(rows)
    end
  end)

  it("keeps numbers", function()
    for _ = 1, 500 do
      local value = (math.random() - 0.5) * 10.0 ^ math.random(-300, 300)
      expect(tonumber(csv.decode(csv.encode { { a = value } })[1].a)):equals(value)
    end
  end)
end)

describe("Python's csv", function()
  local script = [=[
import sys, json, csv, io
ask = json.load(sys.stdin)
def read(text):
  try: return {"rows": [r for r in csv.reader(io.StringIO(text, newline=""), strict=True) if r]}
  except csv.Error as e: return {"error": str(e)}
def write(rows):
  out = io.StringIO(newline="")
  csv.writer(out).writerows(rows)
  return out.getvalue()
print(json.dumps({"read": [read(t) for t in ask["texts"]],
  "written": [write(r) for r in ask["rows"]]}))
]=]

  it("reads what orch writes, and writes what orch reads", function()
    local texts, rows = {}, {}
    for i = 1, 300 do
      rows[i] = random_rows()
      texts[i] = csv.encode(rows[i])
    end
    local answer = json.decode(orch.process.run { "python3", "-S", "-E", "-c", script,
      stdin = json.encode { texts = texts, rows = rows } }.stdout)
    for i = 1, 300 do
      expect(answer.read[i].rows):equals(rows[i])
      -- A byte order mark at the start is one to orch, and text to Python.
      if answer.written[i]:sub(1, 3) ~= "\u{feff}" then
        expect(csv.decode(answer.written[i], { header = false })):equals(rows[i])
      end
    end
  end)

  it("agrees about texts at random, where it is as strict", function()
    local texts, agreed = {}, 0
    for i = 1, 1000 do
      local parts = {}
      for p = 1, math.random(1, 12) do
        parts[p] = ({ "a", ",", '"', "\n", "\r\n", '""', "b c" })[math.random(7)]
      end
      texts[i] = table.concat(parts)
    end
    local answer = json.decode(orch.process.run { "python3", "-S", "-E", "-c", script,
      stdin = json.encode { texts = texts, rows = json.array {} } }.stdout)
    for i, text in ipairs(texts) do
      local ok, rows = pcall(csv.decode, text, { header = false, ragged = true })
      local theirs = answer.read[i].rows
      -- A quote within a field is a character to Python, and a mistake to RFC 4180.
      if ok then
        expect(theirs):equals(rows)
        agreed = agreed + 1
      elseif theirs then
        expect(rows.message):contains "a quote within a field"
      end
    end
    print(("CSV: %d of 1000 texts are the same to Python, the others are refused"):format(agreed))
    expect(agreed):greater_than(300)
  end)
end)

describe("damage", function()
  it("gives rows or an Error, whatever the bytes", function()
    local source = 'name,size,"a ""b"" c"\r\nx,1,"y\nz"\n\n,"",3\n'
    for _ = 1, 5000 do
      local text = source
      for _ = 1, math.random(1, 5) do
        local at = math.random(#text)
        text = text:sub(1, at - 1) .. string.char(math.random(0, 255))
          .. text:sub(at + math.random(0, 3))
      end
      local ok, value = pcall(csv.decode, text, { ragged = math.random() < 0.5 })
      if not ok and (type(value) ~= "table" or value.kind ~= "csv") then
        error(("%q: %s"):format(text, value))
      end
    end
  end)
end)

describe("csv.load and csv.save", function()
  it("bring rows to a file and back, and name it", function()
    local path = fs.temp_dir() .. "/x.csv"
    csv.save(path, { { a = 1, b = "x" } })
    expect(fs.read(path)):equals "a,b\n1,x\n"
    expect(csv.load(path)):equals { { a = "1", b = "x" } }
    fs.write(path, "a,b\n1\n")
    local err = expect(function() csv.load(path) end):raises "csv"
    expect({ err.path, err.line }):equals { path, 2 }
    expect(err.message):contains "x.csv: line 2: "
    expect(function() csv.save(path, { { a = print } }) end):raises "x.csv: cannot encode"
    expect(function() csv.load(path .. ".gone") end):raises "os"
  end)
end)
