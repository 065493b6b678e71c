-- Asks three language models the same question: one after the other, all at once, and all
-- at once when one of them fails and another one hangs. Draws who was busy when.
--
--   orch run examples/ask_three.lua [--mock] [QUESTION]
--
-- Asked are those whose key is in the environment or in .env: OPENAI_API_KEY,
-- ANTHROPIC_API_KEY, GEMINI_API_KEY. Mocks on this machine stand in for the others, and with
-- --mock for all; their answers take about MOCK_SECONDS (1).
local ai, tty, timeline = orch.ai, orch.tty, require "draw.timeline"
local show = require "draw.answers"
local only_mocks = orch.args[1] == "--mock"
local question = orch.args[only_mocks and 2 or 1] or "Name a cat that guards a castle."
local unit = tonumber(os.getenv "MOCK_SECONDS") or 1

local names = { "openai", "anthropic", "gemini" }
local mock <close> = require("mock_providers").serve {
  openai = { delay = unit, text = "Sir Pounce of the Portcullis." },
  anthropic = { delay = 0.8 * unit, text = "Battlement Bess, who naps on the drawbridge." },
  gemini = { delay = 1.2 * unit, text = "Gargoyle." },
}

local providers, mocked = {}, 0
for i, name in ipairs(names) do
  if not only_mocks and orch.secrets.find(name:upper() .. "_API_KEY") then
    providers[i] = ai[name] {}
  else
    providers[i] = ai[name] { base_url = mock[name], key = "key-of-a-mock" }
    mocked = mocked + 1
  end
end
local width = mocked * unit + (#names - mocked) * 5 -- seconds; it grows when more are needed

-- Calls fn(providers) and draws what they do; gives its result and the seconds it took.
local function drawn(title, fn)
  local chart, watched = timeline.new(title, names, width), {}
  for i, provider in ipairs(providers) do watched[i] = chart:watch(provider) end
  local began = orch.time()
  local result = chart:show(fn, watched)
  print()
  return result, orch.time() - began
end

print(tty.style(question, "bold") .. "\n")
if mocked > 0 then print(tty.style(mocked .. " of 3 are mocks on this machine\n", "dim")) end
local _, slow = drawn("One after the other", function(list)
  for _, provider in ipairs(list) do orch.try(provider.chat, provider, question) end
end)
local r, quick = drawn("All at once", function(list) return ai.compare(question, list) end)
print(tty.style(("%.2f s instead of %.2f s: %.1f times as fast"):format(quick, slow, slow / quick),
  "bold green") .. "\n")
show(r)
if mocked < #names then return end

mock.settings.anthropic.fail, mock.settings.gemini.fail = 529, "hang"
show(drawn("One is overloaded, one hangs; a time limit", function(list)
  return ai.compare(question, list, { timeout = 1.5 * unit })
end))
