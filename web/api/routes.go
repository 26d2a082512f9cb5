package api

import "net/http"

// Level is who may use a route.
type Level int

// The levels. A route that is not Open answers 401 to a stranger; a Socket
// route answers 403 to a browser, logged in or not.
const (
	Open   Level = iota // anybody: the start page, what it loads, and the login itself
	Login               // a logged-in browser, or the unix socket
	Socket              // the unix socket alone
)

// Route is one row of the route table.
type Route struct {
	Method string
	Path   string // a chi pattern
	Level  Level
	handle func(*API, http.ResponseWriter, *http.Request) error
}

// Routes returns the route table: every path there is, and who may use it.
func Routes() []Route {
	get, post := http.MethodGet, http.MethodPost
	const v1 = "/api/v1"
	return []Route{
		{get, "/", Open, (*API).page},
		{get, "/studies", Open, (*API).page},
		{get, "/studies/{id}", Open, (*API).page},
		{get, "/studies/{id}/trials/{n}", Open, (*API).page},
		{get, "/targets", Open, (*API).page},
		{get, "/a/*", Open, (*API).assets},
		{post, v1 + "/login", Open, (*API).login},

		{get, "/schemas/study.v1.json", Login, (*API).schema},
		{get, v1 + "/info", Login, (*API).info},
		{get, v1 + "/doctor", Login, (*API).doctor},
		{get, v1 + "/vocabulary", Login, (*API).vocabulary},
		{get, v1 + "/events", Login, (*API).events},
		{get, v1 + "/studies", Login, (*API).studies},
		{post, v1 + "/studies", Login, (*API).createStudy},
		{get, v1 + "/studies/{id}", Login, (*API).study},
		{post, v1 + "/studies/{id}/stop", Login, (*API).stopStudy},
		{post, v1 + "/studies/{id}/resume", Login, (*API).resumeStudy},
		{get, v1 + "/studies/{id}/front", Login, (*API).front},
		{get, v1 + "/studies/{id}/explain", Login, (*API).explain},
		{get, v1 + "/studies/{id}/trials", Login, (*API).trials},
		{get, v1 + "/studies/{id}/trials/{n}", Login, (*API).trial},
		{get, v1 + "/studies/{id}/trials/{n}/model.gguf", Login, (*API).exportModel},
		{get, v1 + "/studies/{id}/trials/{n}/manifest.json", Login, (*API).exportManifest},
		{get, v1 + "/targets", Login, (*API).targets},
		{get, v1 + "/models", Login, (*API).models},
		{get, v1 + "/models/{digest}", Login, (*API).model},

		{post, v1 + "/contents", Socket, (*API).adopt},
		{post, v1 + "/links", Socket, (*API).link},
	}
}
