-- A castle guard in a game: one provider writes what he says, a second one judges it, a third
-- one translates it. Step by step; with the judge and the translator at once; and as a
-- pipeline, in which a line is written while the one before is still being judged.
--
--   orch run examples/three_roles.lua [--mock]
-- (keys as for ask_three.lua; mocks stand in for who has none)
local ai, tty, timeline = orch.ai, orch.tty, require "draw.timeline"
local mock <close> = require("mock_providers").serve(require "draw.guard")
local unit = tonumber(os.getenv "MOCK_SECONDS") or 1
local lines = { "Who goes there?", "Open the gate!", "I am the king.", "Look, a dragon!" }

local function provider(name, role)
  local real = orch.args[1] ~= "--mock" and orch.secrets.find(name:upper() .. "_API_KEY")
  return ai[name](real and { system = role }
    or { system = role, base_url = mock[name], key = "key-of-a-mock" })
end

local writer = provider("anthropic", "You are a bored castle guard. Answer in one short sentence.")
local judge = provider("openai", "May this be said in a game for children?")
local translator = provider("gemini", "Translate into German, nothing else.")
local verdict = { type = "object", properties = { ok = { type = "boolean" } } }

local one, ways = { concurrency = 1 }, {}
ways[1] = { "Step by step", function(write, moderate, translate)
  return orch.map(lines, function(line) return translate(moderate(write(line))) end, one)
end }

ways[2] = { "Judged and translated at once", function(write, moderate, translate)
  return orch.map(lines, function(line)
    local talk = write(line)
    orch.gather { { moderate, talk }, { translate, talk } }
    return talk
  end, one)
end }

ways[3] = { "As a pipeline", function(write, moderate, translate)
  local written, judged, talks = orch.queue(), orch.queue(), {}
  orch.gather(
    function() for _, line in ipairs(lines) do written:put(write(line)) end written:close() end,
    function() for talk in written:iter() do judged:put(moderate(talk)) end judged:close() end,
    function() for talk in judged:iter() do table.insert(talks, translate(talk)) end end)
  return talks
end }

local talks
for _, way in ipairs(ways) do
  local chart = timeline.new(way[1], { "anthropic", "openai", "gemini" }, 3.6 * unit)
  local a, b, c = chart:watch(writer), chart:watch(judge), chart:watch(translator)
  talks = chart:show(way[2],
    function(line) return { line = line, text = a:chat(line).text } end,
    function(talk) talk.ok = b:chat(talk.text, { json = verdict }).json.ok return talk end,
    function(talk) talk.german = c:chat(talk.text).text return talk end)
  print()
end
for _, talk in ipairs(talks) do
  print(tty.style(talk.line, "bold"))
  print("  " .. (talk.ok and talk.text .. "\n  " .. talk.german
    or tty.style("(not for children)", "red")))
end
