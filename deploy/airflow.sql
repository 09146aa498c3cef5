-- Run once, when the server makes its data folder.
CREATE DATABASE airflow;
