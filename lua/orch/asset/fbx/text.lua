--- FBX as text: keys, values, braces. Read piece by piece, in constant memory, however long a
--- line of numbers is; what the scene does not want is passed over to its closing brace.
---
---     text(file, scene)        -- tells the scene of the nodes it wants

local byte, find, gmatch, sub = string.byte, string.find, string.gmatch, string.sub

local LONGEST = 4096 -- bytes of a text that are kept; more in one word is no FBX
local BATCH = 240    -- numbers that are told at once

---@class orch.asset.fbx.Lexer
local Lexer = {}
Lexer.__index = Lexer

local function new_lexer(file)
  return setmetatable({ file = file, next_piece = file:pieces(), text = "", at = 1, base = 0 },
    Lexer)
end

--- Drops what is behind us and adds a piece; false at the end of the file.
function Lexer:fill()
  local piece = self.next_piece()
  if not piece then return false end
  self.base = self.base + self.at - 1
  self.text, self.at = sub(self.text, self.at) .. piece, 1
  return true
end

function Lexer:fail(...)
  self.file:fail_at(self.base + self.at - 1, ...)
end

--- The next character that says something; nil at the end. Comments go to the end of a line.
function Lexer:peek()
  while true do
    local at = find(self.text, "%S", self.at)
    if at and byte(self.text, at) ~= 59 then -- ;
      self.at = at
      return sub(self.text, at, at)
    end
    local line = at and find(self.text, "\n", at, true)
    if line then
      self.at = line + 1
    else -- all of it is blank, or a comment that goes on in the next piece
      local comment = at ~= nil
      self.at = #self.text + 1
      if not self:fill() then return nil end
      if comment then self.text = ";" .. self.text end
      self.base = self.base - (comment and 1 or 0)
    end
  end
end

--- A text in quotes: its beginning.
function Lexer:quoted()
  self.at = self.at + 1
  local kept = ""
  while true do
    local stop = find(self.text, '"', self.at, true)
    kept = #kept < LONGEST and kept .. sub(self.text, self.at, (stop or 0) - 1) or kept
    self.at = (stop or #self.text) + 1
    if stop then return (sub(kept, 1, LONGEST):gsub("&quot;", '"')) end
    if not self:fill() then self:fail "it ends within a text" end
  end
end

--- What is neither quoted nor a sign; a key has a colon behind it.
function Lexer:word()
  local stop = find(self.text, '[%s,{}":;]', self.at)
  while not stop do
    if #self.text - self.at > LONGEST then self:fail "a word in it has no end" end
    if not self:fill() then break end
    stop = find(self.text, '[%s,{}":;]', self.at)
  end
  local word = sub(self.text, self.at, (stop or 0) - 1)
  local key = stop and byte(self.text, stop) == 58 -- :
  self.at = (stop or #self.text + 1) + (key and 1 or 0)
  if word == "" and not key then self:fail "it is no text of FBX" end
  return key and "key" or "value", word
end

local signs = { ["{"] = true, ["}"] = true, [","] = true }

--- The next token: "key", "value", "{", "}", "," or nil, and what it says.
function Lexer:next()
  if self.held then
    local kind, value = self.held[1], self.held[2]
    self.held = nil
    return kind, value
  end
  local char = self:peek()
  if not char then return nil end
  if char == '"' then return "value", self:quoted() end
  if not signs[char] then return self:word() end
  self.at = self.at + 1
  return char
end

--- Passes over everything up to the brace that closes the one before.
function Lexer:skip()
  local depth = 1
  while depth > 0 do
    local at = find(self.text, '[{}";]', self.at)
    self.at = at or #self.text + 1
    local char = at and sub(self.text, at, at)
    if not char then
      if not self:fill() then self:fail "it ends within a node" end
    elseif char == '"' then
      self:quoted()
    elseif char == ";" then
      self:peek()
    else
      self.at = at + 1
      depth = depth + (char == "{" and 1 or -1)
    end
  end
end

--- What is not finite, as compilers spell it.
local function number(lexer, word)
  local plain = word:lower()
  if find(plain, "nan") or find(plain, "ind", 1, true) or find(plain, "#q?s?nan") then
    return 0 / 0
  end
  if find(plain, "inf", 1, true) then return math.huge end
  lexer:fail("'%s' is no number", sub(word, 1, 40))
end

local NUMBERS = "^[%d%s.,+eE#INDQFSAnaif-]*"

--- Gives the numbers of whole runs to `sink`, in batches; without arguments, what is left.
--- One that is `glance` wants to know of numbers that are not finite, and that there are some.
local function batches(lexer, sink, glance)
  local list, n = {}, 0
  return function(run)
    if glance and run and not find(run, "[#NnIi]") and find(run, "%d") then
      return sink(list, 0)
    end
    for word in gmatch(run or "", "[^,%s]+") do
      n = n + 1
      list[n] = tonumber(word) or number(lexer, word)
      if n == BATCH then
        sink(list, n)
        list, n = {}, 0
      end
    end
    if not run and n > 0 then sink(list, n) end
  end
end

--- Numbers with commas, as far as they go, for `sink`, if there is one. What ends in the
--- middle of a word may be the beginning of a key, or go on in the next piece.
function Lexer:numbers(sink, glance)
  local add = sink and batches(self, sink, glance)
  repeat
    local _, stop = find(self.text, NUMBERS, self.at)
    local whole = stop < #self.text and find(sub(self.text, stop + 1, stop + 1), '[{}";]')
    local run = sub(self.text, self.at, stop)
    if not whole then
      local back = find(run:reverse(), "[,%s]")
      run = back and sub(run, 1, #run - back + 1) or ""
    end
    self.at = self.at + #run
    if add then add(run) end
    local more = stop == #self.text
    if more and run == "" and #self.text - self.at > LONGEST then
      self:fail "a number in it has no end"
    end
    if more and not self:fill() then
      if add then add(sub(self.text, self.at)) end
      self.at, more = #self.text + 1, false
    end
  until not more
  if add then add() end
end

--- The values behind a key, and whether a brace follows.
local function values(lexer)
  local list = {}
  while true do
    local kind, value = lexer:next()
    if kind == "value" then
      if #list < 8 then list[#list + 1] = tonumber(value) or value end
    elseif kind ~= "," then
      if kind == "{" then return list, true end
      lexer.held = { kind, value }
      return list, false
    end
  end
end

--- `*3 { a: 1,2,3 }`, or in version 6 `1,2,3`.
local function array(lexer, sink, glance)
  if lexer:peek() ~= "*" then return lexer:numbers(sink, glance) end
  lexer:next()
  if lexer:next() ~= "{" then lexer:fail "an array in it has no numbers" end
  local kind = lexer:next()
  if kind == "key" then
    lexer:numbers(sink, glance)
    kind = lexer:next()
  end
  if kind ~= "}" then lexer:fail "an array in it has no end" end
end

--- A node that is wanted; its children follow when it is put on the stack.
local function enter(lexer, scene, spec, stack)
  if spec.array then return array(lexer, spec.array(scene), spec.glance) end
  local list, brace = values(lexer)
  local wanted = not spec.open or spec.open(scene, list) ~= false
  if brace and wanted then
    stack[#stack + 1] = spec
  elseif brace then
    lexer:skip()
  elseif wanted and spec.close then
    spec.close(scene)
  end
end

---Reads the nodes of a file that the scene wants.
---@async
---@param file orch.asset.Source
---@param scene table of `fbx.scene`
return function(file, scene)
  local lexer, stack = new_lexer(file), { { children = scene.wanted } }
  if find(file.head, "^\xEF\xBB\xBF") then
    lexer:fill()
    lexer.at = 4
  end
  for kind, value in lexer.next, lexer do
    local top = stack[#stack]
    if kind == "key" then
      local spec = top.children and top.children[value]
      if spec then
        enter(lexer, scene, spec, stack)
      else
        lexer:numbers()
      end
    elseif kind == "{" then
      lexer:skip()
    elseif kind == "}" then
      if #stack == 1 then lexer:fail "it has a closing brace too many" end
      stack[#stack] = nil
      if top.close then top.close(scene) end
    end
  end
  if #stack > 1 then lexer:fail "it ends within a node" end
end
